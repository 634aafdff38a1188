#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"
#include "migration/export_formats.h"
#include "migration/import_formats.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::Must;
using testing::Named;
using testing::TextOf;

constexpr FileFormat kFormats[] = {FileFormat::kEnv, FileFormat::kJson, FileFormat::kCsv};

std::string Written(FileFormat format, const std::vector<ExportItem>& items) {
  SecretWriter out(1 << 20);
  Must(WriteSecrets(format, items, out));
  return std::string(AsText(out.Reveal()));
}

// A text of the characters that quoting is about, and some that it is not.
std::string AwkwardText() {
  return *rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("\"'`$\\#=,\n\r\t {}:;&|abnrtu0~-_")));
}

void ExpectSame(FileFormat format, const std::string& value) {
  const ExportItem item{Named("NAME"), SecretKind::kWebhook, AsBytes(value)};
  const std::string text = Written(format, {item, {Named("NEXT"), SecretKind::kWorkflow, {}}});
  const Result<std::vector<ImportItem>> items = ParseSecrets(format, AsBytes(text));
  RC_ASSERT(items.has_value());
  RC_ASSERT(items->size() == 2U);
  RC_ASSERT(items->front().name.text() == "NAME");
  RC_ASSERT(TextOf(items->front().value) == value);
  RC_ASSERT(items->back().value.empty());
}

RC_GTEST_PROP(FileFormats, ReadBackExactlyWhatTheyWrite, ()) {
  const std::string value = AwkwardText();
  for (const FileFormat format : kFormats) {
    ExpectSame(format, value);
  }
}

RC_GTEST_PROP(CsvFormat, CarriesAnyBytes, (const Bytes& bytes)) {
  ExpectSame(FileFormat::kCsv, std::string(AsText(bytes)));
}

RC_GTEST_PROP(EnvAndJsonFormats, CarryAWholeValueOrNone, (const Bytes& bytes)) {
  const std::string value(AsText(bytes));
  for (const FileFormat format : {FileFormat::kEnv, FileFormat::kJson}) {
    SecretWriter out(1 << 20);
    const Result<void> written =
        WriteSecrets(format, {{Named("NAME"), SecretKind::kWorkflow, bytes}}, out);
    if (written) {
      ExpectSame(format, value);
    } else {
      RC_ASSERT(written.error().code == ErrorCode::kInvalidArgument);
      RC_ASSERT(!IsUtf8(value) || value.find('\0') != std::string::npos);
    }
  }
}

// Damage to a file is refused or read as something, but never crashes, and an error tells nothing.
RC_GTEST_PROP(FileFormats, SayNothingOfTheValuesInADamagedFile, ()) {
  const std::string secret = "CANARY" + AwkwardText();
  for (const FileFormat format : kFormats) {
    std::string text = Written(format, {{Named("NAME"), SecretKind::kWorkflow, AsBytes(secret)}});
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = *rc::gen::arbitrary<char>();
    const Result<std::vector<ImportItem>> items = ParseSecrets(format, AsBytes(text));
    if (!items) {
      RC_ASSERT(items.error().code == ErrorCode::kInvalidArgument);
      RC_ASSERT(items.error().message.find("CANARY") == std::string::npos);
    }
  }
}

RC_GTEST_PROP(FileFormats, TakeAnyInputWithoutHarm, (const Bytes& bytes)) {
  for (const FileFormat format : kFormats) {
    const Result<std::vector<ImportItem>> items = ParseSecrets(format, bytes);
    RC_ASSERT(items || items.error().code == ErrorCode::kInvalidArgument);
  }
}

TEST(EnvFormat, QuotesSoThatAShellReadsTheSame) {
  const auto written = [](std::string_view value) {
    return Written(FileFormat::kEnv, {{Named("A"), SecretKind::kWorkflow, AsBytes(value)}});
  };
  EXPECT_EQ(written("a $b \"c\" \\n\n"), "A='a $b \"c\" \\n\n'\n");
  EXPECT_EQ(written("it's `$x` \"\\\""), "A=\"it's \\`\\$x\\` \\\"\\\\\\\"\"\n");
}

TEST(JsonFormat, EscapesWhatJsonForbids) {
  const std::string value("\"\\\x01\n\0\x7F\xC3\xA9", 8);
  EXPECT_EQ(Written(FileFormat::kJson, {{Named("A"), SecretKind::kWorkflow, AsBytes(value)}}),
            "{\n  \"A\": \"\\\"\\\\\\u0001\\u000a\\u0000\x7F\xC3\xA9\"\n}\n");
}

TEST(FormatOfPath, LooksAtTheFilesNameOnly) {
  EXPECT_EQ(Must(FormatOfPath("a.json/.env")), FileFormat::kEnv);
  EXPECT_EQ(Must(FormatOfPath(".env.local")), FileFormat::kEnv);
  EXPECT_EQ(Must(FormatOfPath("/x/y.csv")), FileFormat::kCsv);
  EXPECT_EQ(Must(FormatOfPath("y.env.json")), FileFormat::kJson);
  EXPECT_EQ(FormatOfPath("env").error().code, ErrorCode::kInvalidArgument);
}

TEST(SecretWriter, TakesItsLimitAndNotAByteMore) {
  SecretWriter writer(5);
  EXPECT_TRUE(writer.Append("12345"));
  EXPECT_EQ(writer.Append("6").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(AsText(writer.Reveal()), "12345");
}

}  // namespace
}  // namespace rowseal
