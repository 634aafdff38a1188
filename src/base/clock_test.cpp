#include "base/clock.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rowseal {
namespace {

constexpr std::int64_t kEndOf9999 = 253'402'300'800'000'000;  // microseconds

Timestamp At(std::int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); }

RC_GTEST_PROP(Rfc3339, ReadsWhatItWrites, ()) {
  const Timestamp time = At(*rc::gen::inRange<std::int64_t>(0, kEndOf9999));
  const Result<Timestamp> read = ParseRfc3339(ToRfc3339(time));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == time);
}

TEST(Rfc3339, WritesKnownTimes) {
  EXPECT_EQ(ToRfc3339(At(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(ToRfc3339(At(1)), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(ToRfc3339(At(951'782'400'000'000)), "2000-02-29T00:00:00Z");
  EXPECT_EQ(ToRfc3339(At(1'767'323'045'000'006)), "2026-01-02T03:04:05.000006Z");
  EXPECT_EQ(ToRfc3339(At(kEndOf9999 - 1)), "9999-12-31T23:59:59.999999Z");
}

TEST(Rfc3339, ReadsAFractionOfOneToSixDigits) {
  EXPECT_EQ(*ParseRfc3339("1970-01-01T00:00:00.5Z"), At(500'000));
  EXPECT_EQ(*ParseRfc3339("1970-01-01T00:00:00.05Z"), At(50'000));
  EXPECT_EQ(*ParseRfc3339("1970-01-01T00:00:00.000001Z"), At(1));
}

TEST(Rfc3339, KnowsLeapYears) {
  EXPECT_TRUE(ParseRfc3339("2024-02-29T00:00:00Z"));
  EXPECT_TRUE(ParseRfc3339("2000-02-29T00:00:00Z"));
  EXPECT_TRUE(ParseRfc3339("2400-02-29T00:00:00Z"));
  for (const std::string_view text : {"2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
                                      "2024-02-30T00:00:00Z", "2024-04-31T00:00:00Z"}) {
    EXPECT_FALSE(ParseRfc3339(text)) << text;
  }
}

TEST(Rfc3339, RefusesOtherForms) {
  for (const std::string_view text : {"",
                                      "2027-01-31",
                                      "2027-01-31T23:59:59",
                                      "2027-01-31t23:59:59Z",
                                      "2027-01-31T23:59:59z",
                                      "2027-01-31 23:59:59Z",
                                      "2027-01-31T23:59:59+00:00",
                                      "2027-01-31T24:00:00Z",
                                      "2027-01-31T23:60:00Z",
                                      "2027-01-31T23:59:60Z",
                                      "2027-00-01T00:00:00Z",
                                      "2027-13-01T00:00:00Z",
                                      "2027-01-00T00:00:00Z",
                                      "2027-01-32T00:00:00Z",
                                      "1969-12-31T23:59:59Z",
                                      "2027-01-31T23:59:59.Z",
                                      "2027-01-31T23:59:59.1234567Z",
                                      "2027-01-31T23:59:59.12a4Z",
                                      "2027-01-31T23:59:59,5Z",
                                      "2027-1-31T23:59:59Z",
                                      "+027-01-31T23:59:59Z",
                                      "2027-01-31T-1:59:59Z",
                                      "2027-01-31T23:59:59ZZ",
                                      "12027-01-31T23:59:59Z",
                                      " 2027-01-31T23:59:59Z",
                                      "2027-01-31T23:59:59.5 Z"}) {
    const Result<Timestamp> read = ParseRfc3339(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(SystemClock, TellsATimeOfThisCentury) {
  EXPECT_GT(SystemClock(), At(1'704'067'200'000'000));  // 2024
  EXPECT_LT(SystemClock(), At(4'102'444'800'000'000));  // 2100
}

}  // namespace
}  // namespace rowseal
