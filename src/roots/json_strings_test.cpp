#include "roots/json_strings.h"

#include <string>

#include <gtest/gtest.h>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

Result<SecretBytes> Read(const std::string& object, std::string_view member = "Plaintext") {
  return JsonString(AsBytes(object), member);
}

TEST(JsonStrings, GivesTheStringOfAMemberOfTheObjectItself) {
  EXPECT_EQ(TextOf(Must(Read(R"({"KeyId":"arn:x","Plaintext":"QUJD"})"))), "QUJD");
  EXPECT_EQ(TextOf(Must(Read(" { \"Plaintext\" :\n\"QUJD\" , \"n\":[1,{\"a\":null}]} "))), "QUJD");
  EXPECT_EQ(TextOf(Must(Read(R"({"Plaintext":"ab\/c"})"))), "ab/c");
  EXPECT_EQ(TextOf(Must(Read(R"({"Plaintext":""})"))), "");
  EXPECT_EQ(TextOf(Must(Read(R"({"inner":{"Plaintext":"no"},"Plaintext":"yes"})"))), "yes");
  // What another string says of a member is no member.
  EXPECT_EQ(TextOf(Must(Read(R"({"Message":"\"Plaintext\":\"no\"","Plaintext":"yes"})"))), "yes");
}

TEST(JsonStrings, RefusesWhatIsNotThere) {
  for (const std::string object : {R"({})",
                                   R"({"inner":{"Plaintext":"no"}})",
                                   R"({"Message":"\"Plaintext\":\"no\""})",
                                   R"(["Plaintext","no"])",
                                   R"("Plaintext")",
                                   R"({"Plaintext":1})",
                                   R"({"Plaintext":null})",
                                   R"({"Plaintext":["a"]})",
                                   R"({"plaintext":"a"})",
                                   R"({"Plaintext":"a","Plaintext":"b"})",
                                   R"({"Plaintext":"a"}{"Plaintext":"a"})",
                                   R"({"Plaintext":"a")",
                                   R"({"Plaintext":"a)",
                                   R"({"Plaintext":"a\)",
                                   R"({"Plaintext" "a"})",
                                   R"({"Plaintext":"a",})",
                                   R"({"Plaintext":"a\"b"})",
                                   R"({"Plaintext":"\u0041"})",
                                   R"(Plaintext:"a")",
                                   ""}) {
    EXPECT_THAT(Read(object), FailsWith(ErrorCode::kInvalidArgument)) << object;
  }
}

}  // namespace
}  // namespace rowseal::testing
