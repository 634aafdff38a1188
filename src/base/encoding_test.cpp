#include "base/encoding.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <regex>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "support/paths.h"

namespace rowseal {
namespace {

// Encodes a code point without judging it: surrogates too.
std::string Utf8Of(std::uint32_t point) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80) {
    return {byte(point)};
  }
  if (point < 0x800) {
    return {byte(0xC0 | (point >> 6)), byte(0x80 | (point & 63))};
  }
  if (point < 0x10000) {
    return {byte(0xE0 | (point >> 12)), byte(0x80 | ((point >> 6) & 63)),
            byte(0x80 | (point & 63))};
  }
  return {byte(0xF0 | (point >> 18)), byte(0x80 | ((point >> 12) & 63)),
          byte(0x80 | ((point >> 6) & 63)), byte(0x80 | (point & 63))};
}

void ExpectRefused(const Result<Bytes>& decoded, std::string_view text) {
  ASSERT_FALSE(decoded) << text;
  EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument) << text;
}

RC_GTEST_PROP(Hex, DecodesWhatItEncodes, (const Bytes& bytes)) {
  const Result<Bytes> decoded = FromHex(ToHex(bytes));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == bytes);
}

constexpr std::array kForms = {Base64::kPadded, Base64::kUnpadded, Base64::kUrl,
                               Base64::kUrlPadded};

RC_GTEST_PROP(Base64Forms, DecodeWhatTheyEncodeAndNotWhatOthersDo, (const Bytes& bytes)) {
  for (const Base64 form : kForms) {
    const std::string text = ToBase64(form, bytes);
    RC_ASSERT(text.size() == Base64Size(form, bytes.size()));
    RC_ASSERT(*FromBase64(form, text) == bytes);
    for (const Base64 other : kForms) {
      RC_ASSERT(FromBase64(other, text).has_value() == (ToBase64(other, bytes) == text));
    }
  }
}

TEST(Base64Forms, HaveTheirAlphabets) {
  for (const Base64 form : kForms) {
    const bool is_url = form == Base64::kUrl || form == Base64::kUrlPadded;
    for (int c = 0; c < 256; ++c) {
      const char character = static_cast<char>(c);
      const bool is_digit =
          FromBase64(form, std::string{'A', 'A', 'A', character}).has_value() && character != '=';
      EXPECT_EQ(IsBase64Digit(form, character), is_digit) << c;
    }
    EXPECT_EQ(ToBase64(form, Bytes{0xfb, 0xff, 0xfe}), is_url ? "-__-" : "+//+");
  }
}

TEST(Base64Forms, RefuseAnImpossiblePadding) {
  for (const std::string_view text : {"Zg=", "Zg", "Z===", "====", "=", "Zh==", "Zm9=", "Zm9v\n",
                                      "Zm-v", "Zm 9", "Zg==Zg==", "=m9v", "Zm9\x80"}) {
    ExpectRefused(FromBase64(Base64::kPadded, text), text);
  }
}

RC_GTEST_PROP(Base64Url, EncodesToTheSameTextWhateverItDecodes, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(
      std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")));
  const Result<Bytes> decoded = FromBase64(Base64::kUrl, text);
  if (decoded) {
    RC_ASSERT(ToBase64(Base64::kUrl, *decoded) == text);
  }
}

TEST(Base64Url, HasOneTextForEveryPairOfBytes) {
  std::size_t decodable = 0;
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (const char a : alphabet) {
    for (const char b : alphabet) {
      for (const char c : alphabet) {
        decodable += FromBase64(Base64::kUrl, std::string{a, b, c}) ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(decodable, 65536U);
}

TEST(Base64Url, EncodesTheVectorsOfRfc4648Unpadded) {
  const std::vector<std::pair<std::string_view, std::string_view>> vectors = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF", "-_8"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(ToBase64(Base64::kUrl, AsBytes(plain)), text);
  }
}

TEST(Base64Url, RefusesEveryTextItDoesNotWrite) {
  for (const std::string_view text :
       {"A", "AAAAA", "Zh", "Zm9", "Zg==", "Zm8=", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v"}) {
    ExpectRefused(FromBase64(Base64::kUrl, text), text);
  }
  ExpectRefused(FromBase64(Base64::kUrl, std::string_view("Zm9\0", 4)), "Zm9 and a zero byte");
  ExpectRefused(FromBase64(Base64::kUrl, "Zm9\xC3"), "a byte above 127");
}

TEST(Hex, IsReadInEitherCaseWhereThatIsAskedFor) {
  Bytes bytes(3);
  EXPECT_TRUE(ReadHex("aB09fF", bytes));
  EXPECT_EQ(bytes, (Bytes{0xab, 0x09, 0xff}));
  for (const std::string_view text : {"a", "abc", "0g", " 0", "0\n", "ab:d"}) {
    EXPECT_FALSE(ReadHex(text, bytes)) << text;
  }
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    EXPECT_EQ(IsHexDigit(character), ReadHex(std::string{'0', character}, bytes)) << c;
  }
}

TEST(Decimal, IsAWholeNumberThatFits) {
  EXPECT_EQ(ParseDecimal("0"), 0);
  EXPECT_EQ(ParseDecimal("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const std::string_view text :
       {"", "-", " 1", "1 ", "+1", "0x1", "1.0", "9223372036854775808"}) {
    EXPECT_FALSE(ParseDecimal(text)) << text;
  }
}

TEST(Hex, RefusesEveryTextItDoesNotWrite) {
  for (const std::string_view text : {"a", "abc", "AB", "aB", "0x", "0g", " 0", "0\n", "ab cd"}) {
    ExpectRefused(FromHex(text), text);
  }
  EXPECT_EQ(FromHex("")->size(), 0U);
}

TEST(Utf8, AcceptsEveryScalarValueAndNoPartOfOne) {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    const std::string text = Utf8Of(point);
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    ASSERT_EQ(IsUtf8(text), !surrogate) << point;
    for (std::size_t size = 1; size < text.size(); ++size) {
      ASSERT_FALSE(IsUtf8(std::string_view(text).substr(0, size))) << point;
      ASSERT_FALSE(IsUtf8(std::string_view(text).substr(size))) << point;
    }
  }
}

TEST(Utf8, AcceptsNoOtherPairOfBytes) {
  std::size_t accepted = 0;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      accepted += IsUtf8(text) ? 1U : 0U;
    }
  }
  EXPECT_EQ(accepted, 128U * 128U + (0x800U - 0x80U));
}

TEST(Utf8, RefusesOverlongFormsAndPointsBeyondUnicode) {
  for (const std::string_view text :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80", "\xFE",
        "\xFF", "\x80", "\xBF", "a\xC3", "\xC3(", "\xE2\x82(", "\xF0\x9F\x92("}) {
    EXPECT_FALSE(IsUtf8(text)) << ToHex(AsBytes(text));
  }
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("\xF0\x9F\x94\x91 \xE2\x82\xAC \xC3\xA9"));
}

TEST(Printable, LeavesTextAndEscapesTheRest) {
  EXPECT_EQ(Printable("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(Printable(std::string_view("a\0\n\x1B[2J\x7F", 8)), "a\\x00\\x0a\\x1b[2J\\x7f");
  EXPECT_EQ(Printable("\xC2\x9B"), "\\xc2\\x9b");
  EXPECT_EQ(Printable("\xFF\xC3"), "\\xff\\xc3");
}

TEST(Printable, EscapesWhatWouldChangeTheTextAroundIt) {
  EXPECT_EQ(Printable("a\u202Eb"), "a\\xe2\\x80\\xaeb");
  EXPECT_EQ(Printable("\u200B\u2066\u2028\uFEFF").find('\xE2'), std::string::npos);
  EXPECT_EQ(Printable("\u2013 \u20AC \u2070"), "\u2013 \u20AC \u2070") << "a dash, signs";
}

TEST(Escaped, CutsNothingAndKeepsWhatItIsTold) {
  EXPECT_EQ(Escaped("a\n\t\x1B", "\n"), "a\n\\x09\\x1b");
  EXPECT_EQ(Escaped(std::string(1000, 'x')), std::string(1000, 'x'));
  EXPECT_EQ(Escaped("\xC2\x9B\xFF\u202E"), "\\xc2\\x9b\\xff\u202E");
}

RC_GTEST_PROP(Printable, IsShortUtf8WithoutControls, (const std::string& text)) {
  const std::string printable = Printable(text);
  RC_ASSERT(printable.size() <= 80 + 4 + 3);
  RC_ASSERT(IsUtf8(printable));
  for (const char character : printable) {
    RC_ASSERT(static_cast<std::uint8_t>(character) >= 0x20);
    RC_ASSERT(character != 0x7F);
  }
}

TEST(ShellWord, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(ShellWord("acme"), "acme");
  EXPECT_EQ(ShellWord("file:/etc/a-b_c.key"), "file:/etc/a-b_c.key");
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("acme; touch x"), "'acme; touch x'");
  EXPECT_EQ(ShellWord("it's"), R"('it'\''s')");
  EXPECT_EQ(ShellWord("a\nb\x1B[2J\u202E"), R"('a\x0ab\x1b[2J\xe2\x80\xae')");
  EXPECT_EQ(ShellWord(std::string(1000, 'x')), std::string(1000, 'x'));
}

TEST(ShellWord, IsReadBackByAShell) {
  std::string all;
  for (char c = ' '; c <= '~'; ++c) {
    all += c;
    all += std::string(1, c) + "a" + c;
  }
  for (const std::string& text :
       {all, std::string("$(exit 3)`exit 3`"), std::string("~"), std::string("*"), std::string("'"),
        std::string("''"), std::string("caf\u00E9 \u20AC"), std::string("#a"),
        std::string("{a,b}")}) {
    const std::string word = ShellWord(text);
    const std::string command = "[ $# = 1 ] && printf %s \"$1\"";
    FILE* const shell = popen(("sh -c '" + command + "' sh " + word).c_str(), "r");
    ASSERT_NE(shell, nullptr);
    std::string read(2 * text.size() + 1, '\0');
    read.resize(std::fread(read.data(), 1, read.size(), shell));
    EXPECT_EQ(pclose(shell), 0) << word;
    EXPECT_EQ(read, text);
  }
}

// A name that a tenant chose, or that stands in a store, must run nothing where a hint is pasted.
TEST(ShellWord, IsInEveryCommandOfAHint) {
  namespace fs = std::filesystem;
  const std::regex joins(R"re("\s*\n\s*")re");
  const std::regex command(
      R"re("((?:[^"\\\n]|\\.)*)"\s*\+\s*(?!ShellWord\(|ToText\(|std::to_string\()[A-Za-z])re");
  const std::regex asks_for_a_word(
      "(^|[^m] )(rowseal [a-z][a-z -]*|sqlite3|chown|chmod [0-7]+)[ =]$|--[a-z-]+[ =]$");
  int files = 0;
  for (const std::string folder : {"/src", "/apps"}) {
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(ROWSEAL_SOURCE_DIR + folder)) {
      const std::string path = entry.path().string();
      if (!path.ends_with(".cpp") || path.ends_with("_test.cpp")) {
        continue;
      }
      ++files;
      std::ifstream file(path);
      std::stringstream text;
      text << file.rdbuf();
      const std::string source = std::regex_replace(text.str(), joins, "");
      for (std::sregex_iterator found(source.begin(), source.end(), command), end; found != end;
           ++found) {
        const std::string literal = (*found)[1];
        const bool is_help = literal.starts_with("  rowseal ");
        EXPECT_TRUE(is_help || !std::regex_search(literal, asks_for_a_word))
            << path << ": what follows \"" << literal << "\" is to go through ShellWord";
      }
    }
  }
  EXPECT_GT(files, 100);
}

TEST(Printable, CutsALongText) {
  const std::string printable = Printable(std::string(1000, 'x'));
  EXPECT_EQ(printable, std::string(80, 'x') + "…");
}

}  // namespace
}  // namespace rowseal
