#include "migration/json_path.h"

#include <gtest/gtest.h>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

std::vector<std::string> Found(std::string_view document, std::string_view path) {
  std::vector<std::string> found;
  for (const JsonString& string : Must(FindJsonStrings(document, Must(ParseJsonPath(path))))) {
    EXPECT_EQ(document[string.offset], '"');
    EXPECT_EQ(document[string.offset + string.size - 1], '"');
    found.push_back(string.place + "=" + TextOf(string.text));
  }
  return found;
}

using Texts = std::vector<std::string>;

// Paths and results of RFC 9535, sections 2.3.1, 2.3.2 and 2.3.3, as far as they are read here.
TEST(JsonPath, FindsChildrenIndexesAndWildcards) {
  const std::string_view document =
      R"({"o": {"j j": {"k.k": "3"}}, "'": {"@": "2"}, "a": ["x", "y"], "n": [["p"], ["q", 1]]})";
  EXPECT_EQ(Found(document, "$.o['j j']['k.k']"), Texts({R"($.o["j j"]["k.k"]=3)"}));
  EXPECT_EQ(Found(document, R"($.o["j j"]["k.k"])"), Texts({R"($.o["j j"]["k.k"]=3)"}));
  EXPECT_EQ(Found(document, R"($["'"]["@"])"), Texts({R"($["'"]["@"]=2)"}));
  EXPECT_EQ(Found(document, "$.a[1]"), Texts({"$.a[1]=y"}));
  EXPECT_EQ(Found(document, "$.a[-2]"), Texts({"$.a[0]=x"}));
  EXPECT_EQ(Found(document, "$.a[2]"), Texts());
  EXPECT_EQ(Found(document, "$.a[*]"), Texts({"$.a[0]=x", "$.a[1]=y"}));
  EXPECT_EQ(Found(document, "$.n[*][0]"), Texts({"$.n[0][0]=p", "$.n[1][0]=q"}));
  EXPECT_EQ(Found(document, "$.n.*[-1]"), Texts({"$.n[0][0]=p"}));
  EXPECT_EQ(Found(document, "$.a.x"), Texts());
  EXPECT_EQ(Found(R"("root")", "$"), Texts({"$=root"}));
  EXPECT_EQ(Found(R"({"b": {"c": "1", "d": "2"}})", "$.b[*]"), Texts({"$.b.c=1", "$.b.d=2"}));
}

TEST(JsonPath, ReadsEscapesAndWritesPathsThatReadTheSame) {
  EXPECT_EQ(Found(R"({"a": "\u00e4\ud83d\ude00\n\"\\"})", "$.a"),
            Texts({"$.a=ä\xF0\x9F\x98\x80\n\"\\"}));
  for (const std::string_view path :
       {"$", "$.a[*][0][-1]", R"($["x-api-key"].b)", R"($["a\"b\\c"][*])", "$.ä"}) {
    EXPECT_EQ(ToText(Must(ParseJsonPath(path))), path);
  }
}

TEST(JsonPath, RefusesWhatItDoesNotRead) {
  for (const std::string_view path :
       {"", "a", "$.", "$..a", "$.a[", "$.a[1:2]", "$.a[?@.b]", "$.a[01]", "$.a[-0]", "$.a['b]",
        "$.a[b]", "$ .a", "$.a[99999999999999999]", "$.1a"}) {
    EXPECT_THAT(ParseJsonPath(path), FailsWith(ErrorCode::kInvalidArgument)) << path;
  }
}

TEST(JsonPath, RefusesWhatIsNoJson) {
  const JsonPath path = Must(ParseJsonPath("$.a"));
  for (const std::string_view document :
       {"", "{", "{\"a\"}", "{\"a\": }", "{\"a\": 01}", "{\"a\": \"\n\"}", "{} x",
        "{\"a\": \"\\ud800\"}", "[1,]", "{\"a\": \"\\x\"}", "nul", "{\"a\": 1.}"}) {
    EXPECT_THAT(FindJsonStrings(document, path), FailsWith(ErrorCode::kInvalidArgument))
        << document;
  }
  EXPECT_THAT(FindJsonStrings(std::string(100'000, '['), path),
              FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace rowseal::testing
