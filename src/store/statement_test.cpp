#include <limits>

#include <gtest/gtest.h>

#include <rowseal/statement.h>

namespace rowseal {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

// Whatever is read after the first column that cannot be taken, the error is of that column.
TEST(RowReader, OnlyTheFirstFaultCounts) {
  for (const Value& fault : {Value(kLeast), Value(std::string("text")), Value(Null{})}) {
    Row row{std::int64_t{1}, fault, Null{}, std::string("after"), std::int64_t{2}};
    RowReader reader(row);
    EXPECT_EQ(reader.Integer(), 1);
    EXPECT_EQ(reader.Integer(), 0);
    EXPECT_FALSE(reader.OptionalTime());
    EXPECT_TRUE(reader.NextIsNull());
    reader.Skip(7);
    EXPECT_EQ(reader.Text(), "");
    EXPECT_EQ(reader.Integer(), 0);
    EXPECT_EQ(reader.Next(), nullptr);
    EXPECT_EQ(reader.left(), 0U);
    ASSERT_FALSE(reader.status());
    EXPECT_EQ(reader.status().error().code, ErrorCode::kIntegrity);
    EXPECT_NE(reader.status().error().message.find("number 2 of"), std::string::npos);
  }
}

TEST(RowReader, NothingIsSkippedPastTheEnd) {
  Row row{std::int64_t{1}};
  RowReader reader(row);
  reader.Skip(2);
  EXPECT_FALSE(reader.OptionalTime());
  EXPECT_EQ(reader.Text(), "");
  EXPECT_NE(reader.status().error().message.find("number 2 of a row's columns is missing"),
            std::string::npos);
}

}  // namespace
}  // namespace rowseal
