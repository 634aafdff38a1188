#include <gtest/gtest.h>

#include <rowseal/postgres_text.h>

#include "store/calls/secret_get.h"

namespace rowseal {
namespace {

constexpr std::uint32_t kBool = 16;
constexpr std::uint32_t kBytea = 17;
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kText = 25;

Result<Rows> Read(std::uint32_t type, std::string cell) {
  return ReadPostgresRows({type}, {{std::move(cell)}}, 1);
}

TEST(PostgresText, SaysTypesWhereTheServerWouldGuessWrong) {
  const PostgresCall call = ToPostgresCall(
      Statement::Sql("SELECT $1 + 1, $2, $3, $10::text[]::uuid[] WHERE a = $1",
                     {std::int64_t{1}, std::string("text"), Bytes{7}, Null{}, Null{}, Null{},
                      Null{}, Null{}, Null{}, std::vector<std::string>{"a"}}),
      Within::kOwnTransaction);
  EXPECT_EQ(call.text,
            "SELECT $1::bigint + 1, $2, $3::bytea, $10::text[]::uuid[] WHERE a = $1::bigint");
  EXPECT_EQ(std::get<std::string>(call.params[0]), "1");
  EXPECT_EQ(std::get<Bytes>(call.params[2]), Bytes{7});
  EXPECT_TRUE(std::holds_alternative<Null>(call.params[3]));
}

TEST(PostgresText, AGetSaysWhetherItIsATransactionOfItsOwn) {
  const Statement get = Encode(std::make_shared<const SecretGet::Request>(
      SecretGet::Request{*ProjectId::Parse("p"), {}, {}}));
  EXPECT_EQ(std::get<std::string>(ToPostgresCall(get, Within::kOwnTransaction).params.back()), "t");
  EXPECT_EQ(std::get<std::string>(ToPostgresCall(get, Within::kAppTransaction).params.back()), "f");
}

TEST(PostgresText, ReadsCellsByTheirTypes) {
  EXPECT_EQ(Read(kInt8, "-9223372036854775808")->rows[0][0],
            Value(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(Read(kBool, "t")->rows[0][0], Value(std::int64_t{1}));
  EXPECT_EQ(Read(kText, "\\x00")->rows[0][0], Value(std::string("\\x00")));
  EXPECT_EQ(Read(kBytea, "\\x00ff")->rows[0][0], Value(Bytes{0x00, 0xFF}));
  EXPECT_EQ(Read(kBytea, R"(a\\\000)")->rows[0][0], Value(Bytes{'a', '\\', 0}));  // `escape`
}

TEST(PostgresText, RefusesCellsThatDoNotFit) {
  for (const auto& [type, cell] :
       std::initializer_list<std::pair<std::uint32_t, const char*>>{{kInt8, ""},
                                                                    {kInt8, "1x"},
                                                                    {kInt8, "9223372036854775808"},
                                                                    {kBool, "true"},
                                                                    {kBytea, "\\x0"},
                                                                    {kBytea, "\\9"},
                                                                    {999, "1"}}) {
    const Result<Rows> read = Read(type, cell);
    ASSERT_FALSE(read) << type << " " << cell;
    EXPECT_EQ(read.error().code, ErrorCode::kInternal);
  }
  EXPECT_FALSE(ReadPostgresRows({kInt8}, {{}}, 1));
}

}  // namespace
}  // namespace rowseal
