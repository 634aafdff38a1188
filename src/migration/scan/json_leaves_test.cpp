#include "migration/scan/json_leaves.h"
#include "migration/json_path.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rowseal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> StringsIn(std::string_view text) {
  std::vector<std::string> strings;
  const Result<void> visited =
      VisitJsonStrings(AsBytes(text), [&](const JsonPath& path, ByteView value) {
        strings.push_back(ToText(path) + " = " + std::string(AsText(value)));
      });
  if (!visited) {
    strings.push_back("refused");
  }
  return strings;
}

TEST(JsonLeaves, ArraysBecomeWildcardsAndNamesStay) {
  EXPECT_THAT(StringsIn(R"({"nodes": [{"headers": {"authorization": "a", "X-Api-Key": "b"}},
                            {"headers": {}}, 3, "c"], "name": "d", "n": null, "ok": [true, -1.5e3]})"),
              ElementsAre("$.nodes[*].headers.authorization = a",
                          "$.nodes[*].headers[\"X-Api-Key\"] = b", "$.nodes[*] = c", "$.name = d"));
  EXPECT_THAT(StringsIn(R"("text")"), ElementsAre("$ = text"));
  EXPECT_THAT(StringsIn("[]"), IsEmpty());
  EXPECT_THAT(StringsIn(R"({"empty": ""})"), IsEmpty());
}

TEST(JsonLeaves, MembersCalledAfterDataBecomeWildcards) {
  EXPECT_THAT(StringsIn(R"({"f47ac10b-58cc-4372-a567-0e02b2c3d479": {"key": "a"}, "17": "b",
                            "a@example.com": "c", "5f4dcc3b5aa765d61d8327deb882cf99": "d",
                            "v2": "e"})"),
              ElementsAre("$[*].key = a", "$[*] = b", "$[*] = c", "$[*] = d", "$.v2 = e"));
}

TEST(JsonLeaves, PathsAreReadBackAsTheyWereWritten) {
  const std::string document =
      R"({"a": {"b c": {"it's": {"say \"x\"": {"back\\": {"line\n": {"ä": {"": [{"[*]": "v"}]}}}}}}}})";
  int seen = 0;
  const Result<void> visited =
      VisitJsonStrings(AsBytes(document), [&](const JsonPath& path, ByteView) {
        ++seen;
        EXPECT_EQ(path.size(), 10U);
        const Result<JsonPath> parsed = ParseJsonPath(ToText(path));
        EXPECT_TRUE(parsed && *parsed == path) << ToText(path);
      });
  EXPECT_TRUE(visited);
  EXPECT_EQ(seen, 1);
}

TEST(JsonLeaves, EscapesAreDecoded) {
  EXPECT_THAT(StringsIn(R"({"a\u0062": "x\n\"\u00e4\ud83d\ude00"})"),
              ElementsAre("$.ab = x\n\"ä😀"));
}

TEST(JsonLeaves, WhatIsNoJsonIsRefused) {
  for (const char* text : {"", "{", "{\"a\"}", "{\"a\": }", "[1,", "\"a", "{} x", "{'a': 1}",
                           "{\"a\": \"\\ud800\"}"}) {
    EXPECT_THAT(StringsIn(text), ElementsAre("refused")) << text;
  }
  EXPECT_THAT(StringsIn(R"({"a": "b", "c)"), ElementsAre("$.a = b", "refused"));
}

TEST(JsonLeaves, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + "\"a\"" + std::string(depth, ']');
  };
  EXPECT_EQ(StringsIn(nested(64)).size(), 1U);
  EXPECT_THAT(StringsIn(nested(64)), ::testing::Not(ElementsAre("refused")));
  EXPECT_THAT(StringsIn(nested(65)), ElementsAre("refused"));
  EXPECT_THAT(StringsIn(nested(1'000'000)), ElementsAre("refused"));
}

}  // namespace
}  // namespace rowseal
