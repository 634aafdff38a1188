// Each stored form has one byte string a value: whatever a decoder accepts, its encoder writes
// again byte for byte, and everything else is an integrity error.
#include <algorithm>
#include <optional>
#include <ranges>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.h"
#include "envelope/contexts.h"
#include "envelope/field_writer.h"
#include "envelope/padding.h"
#include "envelope/sealed_value.h"
#include "envelope/wrapped_key.h"

namespace rowseal {
namespace {

// True when `bytes` are refused as damaged, or stand for a value that encodes to the same bytes.
bool WrappedKeyIsCanonical(const Bytes& bytes) {
  const Result<WrappedKey> decoded = DecodeWrappedKey(bytes);
  return decoded ? EncodeWrappedKey(*decoded) == bytes
                 : decoded.error().code == ErrorCode::kIntegrity;
}

bool SealedValueIsCanonical(const std::string& text) {
  const Result<SealedValue> decoded = DecodeSealedValue(text);
  return decoded ? EncodeSealedValue(*decoded) == text
                 : decoded.error().code == ErrorCode::kIntegrity;
}

Bytes SomeWrappedKey() {
  WrappedKey wrapped;
  std::ranges::generate(wrapped.nonce, [n = std::uint8_t{0}]() mutable { return n += 3; });
  std::ranges::generate(wrapped.sealed_key, [n = std::uint8_t{9}]() mutable { return n += 5; });
  return EncodeWrappedKey(wrapped);
}

SealedValue SomeSealedValue(std::size_t blocks) {
  SealedValue value;
  value.context_kind = ContextKind::kCell;
  value.dek.bytes.fill(0x5A);
  value.nonce.fill(0xA5);
  value.sealed.assign(blocks * kPaddingBlock + 16, 0x3C);
  return value;
}

TEST(WrappedKey, EveryOneByteMutationIsRefusedOrAnotherKeysBytes) {
  const Bytes original = SomeWrappedKey();
  for (std::size_t at = 0; at < original.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      Bytes mutated = original;
      mutated[at] = static_cast<std::uint8_t>(byte);
      ASSERT_TRUE(WrappedKeyIsCanonical(mutated)) << "byte " << at << " = " << byte;
      const bool in_header = at < 2 && mutated != original;
      ASSERT_EQ(DecodeWrappedKey(mutated).has_value(), !in_header) << at << " = " << byte;
    }
  }
}

TEST(WrappedKey, EveryOtherLengthIsRefused) {
  Bytes bytes = SomeWrappedKey();
  bytes.resize(kWrappedKeySize + 64);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const Result<WrappedKey> decoded = DecodeWrappedKey(ByteView(bytes).first(size));
    ASSERT_EQ(decoded.has_value(), size == kWrappedKeySize) << size;
    if (!decoded) {
      ASSERT_EQ(decoded.error().code, ErrorCode::kIntegrity) << size;
    }
  }
}

RC_GTEST_PROP(WrappedKey, EncodesAgainToWhatItDecoded, (Bytes bytes)) {
  bytes.resize(kWrappedKeySize);
  bytes[0] = *rc::gen::element<std::uint8_t>(1, 1, 1, 0, 2);
  bytes[1] = *rc::gen::element<std::uint8_t>(1, 1, 1, 0, 2);
  RC_ASSERT(WrappedKeyIsCanonical(bytes));
}

TEST(SealedValue, EveryOneByteMutationIsRefusedOrAnotherValuesText) {
  for (const std::size_t blocks : {1U, 2U, 3U}) {  // each remainder of base64
    const std::string original = EncodeSealedValue(SomeSealedValue(blocks));
    ASSERT_TRUE(DecodeSealedValue(original).has_value());
    for (std::size_t at = 0; at < original.size(); ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string mutated = original;
        mutated[at] = static_cast<char>(byte);
        ASSERT_TRUE(SealedValueIsCanonical(mutated)) << "byte " << at << " = " << byte;
      }
    }
  }
}

TEST(SealedValue, EveryTruncationAndExtensionIsRefused) {
  const std::string original = EncodeSealedValue(SomeSealedValue(2));
  for (std::size_t size = 0; size < original.size(); ++size) {
    const Result<SealedValue> decoded = DecodeSealedValue(original.substr(0, size));
    const bool shorter_by_a_block = decoded && decoded->sealed.size() == kPaddingBlock + 16;
    ASSERT_TRUE(!decoded || shorter_by_a_block) << size;
    ASSERT_TRUE(SealedValueIsCanonical(original.substr(0, size))) << size;
  }
  for (const char extra : {'A', '=', ' ', '\n', '\0', '.', 'z'}) {
    for (std::size_t count = 1; count <= 64; ++count) {
      const std::string longer = original + std::string(count, extra);
      ASSERT_TRUE(SealedValueIsCanonical(longer)) << count << " more";
      ASSERT_TRUE(extra == 'A' || extra == 'z' || !DecodeSealedValue(longer)) << count << " more";
    }
  }
}

TEST(SealedValue, TextThatIsNotSealedIsAnIntegrityError) {
  for (const std::string text : {"", "rs1", "rs1.", "RS1.AAAA", "rs2.AAAA", " rs1.AAAA", "hunter2",
                                 "rs1.====", "rs1.+/+/"}) {
    const Result<SealedValue> decoded = DecodeSealedValue(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, ErrorCode::kIntegrity) << text;
  }
}

RC_GTEST_PROP(SealedValue, EncodesAgainToWhatItDecoded, (Bytes bytes)) {
  if (*rc::gen::arbitrary<bool>()) {  // mostly plausible headers, or nothing would decode
    bytes.resize(kSealedValueHeaderSize + 16 + kPaddingBlock * *rc::gen::inRange(0, 4), 7);
    bytes[0] = *rc::gen::element<std::uint8_t>(1, 1, 1, 0, 2);
    bytes[1] = *rc::gen::element<std::uint8_t>(1, 1, 1, 0, 2);
    bytes[2] = *rc::gen::element<std::uint8_t>(1, 2, 0, 3);
  }
  RC_ASSERT(
      SealedValueIsCanonical(std::string(kSealedValuePrefix) + ToBase64(Base64::kUrl, bytes)));
}

RC_GTEST_PROP(SealedValue, DecodesWhatItEncoded, (const Bytes& sealed)) {
  SealedValue value = SomeSealedValue(1);
  std::ranges::copy(sealed | std::views::take(value.sealed.size()), value.sealed.begin());
  value.context_kind = *rc::gen::element(ContextKind::kField, ContextKind::kCell);
  const Result<SealedValue> decoded = DecodeSealedValue(EncodeSealedValue(value));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->sealed == value.sealed);
  RC_ASSERT(decoded->nonce == value.nonce);
  RC_ASSERT(decoded->dek == value.dek);
  RC_ASSERT(decoded->context_kind == value.context_kind);
}

TEST(Padding, ComesBackForEverySize) {
  for (std::size_t size = 0; size <= 200; ++size) {
    Bytes padded(PaddedSize(size), 0xEE);
    Pad(padded, size);
    ASSERT_GT(padded.size(), size);
    ASSERT_EQ(padded.size() % kPaddingBlock, 0U);
    ASSERT_EQ(UnpaddedSize(padded).value(), size);
  }
}

RC_GTEST_PROP(Padding, WhatUnpadsWasPaddedSo, (const std::vector<std::uint8_t>& tail)) {
  Bytes block(kPaddingBlock * *rc::gen::inRange<std::size_t>(1, 4), 0);
  std::copy_n(tail.begin(), std::min(tail.size(), block.size()), block.begin());
  block[*rc::gen::inRange<std::size_t>(0, block.size())] =
      *rc::gen::element<std::uint8_t>(0x80, 0x80, 0, 1, 0xFF);
  if (const Result<std::size_t> size = UnpaddedSize(block)) {
    Bytes again = block;
    Pad(again, *size);
    RC_ASSERT(again == block);
    RC_ASSERT(PaddedSize(*size) == block.size());
  }
}

TEST(Padding, PartialBlocksAndBlocksWithoutMarkAreRefused) {
  for (std::size_t size = 0; size <= 100; ++size) {
    const Bytes zeros(size, 0);
    ASSERT_EQ(UnpaddedSize(zeros).error().code, ErrorCode::kIntegrity) << size;
    Bytes marked(size, 0);
    if (size % kPaddingBlock != 0) {
      marked.back() = 0x80;
      ASSERT_EQ(UnpaddedSize(marked).error().code, ErrorCode::kIntegrity) << size;
    }
  }
  Bytes early_mark(2 * kPaddingBlock, 0);
  early_mark[kPaddingBlock - 1] = 0x80;  // a whole block of zeros behind it: not canonical
  EXPECT_EQ(UnpaddedSize(early_mark).error().code, ErrorCode::kIntegrity);
}

using Fields = std::vector<std::optional<Bytes>>;

Bytes Write(const Fields& fields) {
  FieldWriter writer("label");
  for (const std::optional<Bytes>& field : fields) {
    if (field) {
      writer.Add(*field);
    } else {
      writer.AddAbsent();
    }
  }
  return std::move(writer).Take();
}

RC_GTEST_PROP(Fields, DifferentListsGiveDifferentBytes, ()) {
  const auto make = [] {
    Fields fields;
    const int count = *rc::gen::inRange(0, 4);
    for (int i = 0; i < count; ++i) {
      if (*rc::gen::inRange(0, 4) == 0) {
        fields.emplace_back(std::nullopt);
      } else {
        fields.emplace_back(Bytes(*rc::gen::inRange<std::size_t>(0, 3),
                                  *rc::gen::element<std::uint8_t>(0, 4, 0xFF)));
      }
    }
    return fields;
  };
  const Fields a = make();
  const Fields b = make();
  RC_ASSERT((a == b) == (Write(a) == Write(b)));
}

// A secret's context changes with every part of what the secret is.
TEST(Contexts, EveryPartOfASecretsPlaceIsBound) {
  const ProjectId project = ProjectId::Parse("acme").value();
  const ProjectId other_project = ProjectId::Parse("acm").value();
  const SecretName name = SecretName::Parse("key").value();
  const SecretName other_name = SecretName::Parse("ekey").value();
  const SecretContext base{{}, project, {}, name, SecretKind::kWebhook, {1}, Timestamp{}};
  InstallationId installation;
  installation.bytes[15] = 1;
  SecretId secret;
  secret.bytes[0] = 1;
  const std::vector<SecretContext> changed = {
      {installation, project, {}, name, SecretKind::kWebhook, {1}, Timestamp{}},
      {{}, other_project, {}, name, SecretKind::kWebhook, {1}, Timestamp{}},
      {{}, project, secret, name, SecretKind::kWebhook, {1}, Timestamp{}},
      {{}, project, {}, other_name, SecretKind::kWebhook, {1}, Timestamp{}},
      {{}, project, {}, name, SecretKind::kAccessToken, {1}, Timestamp{}},
      {{}, project, {}, name, SecretKind::kWorkflow, {1}, Timestamp{}},
      {{}, project, {}, name, SecretKind::kWebhook, {2}, Timestamp{}},
      {{}, project, {}, name, SecretKind::kWebhook, {1}, std::nullopt},
      {{}, project, {}, name, SecretKind::kWebhook, {1}, Timestamp{std::chrono::microseconds(1)}},
  };
  std::vector<Bytes> seen = {EncodeContext(base)};
  for (const SecretContext& context : changed) {
    const Bytes encoded = EncodeContext(context);
    EXPECT_EQ(std::ranges::count(seen, encoded), 0);
    seen.push_back(encoded);
  }
}

TEST(Contexts, EveryPartOfAValuesPlaceIsBound) {
  const ProjectId project = ProjectId::Parse("acme").value();
  const ProjectId other_project = ProjectId::Parse("acme2").value();
  ColumnId column;
  ColumnId other_column;
  other_column.bytes[7] = 1;
  const std::vector<std::string> keys[] = {{"1"}, {"1", "2"}, {"12"}, {""}, {"1", ""}, {"2", "1"}};
  std::vector<Bytes> seen;
  const auto expect_new = [&](const ValueContext& context) {
    const Bytes encoded = EncodeContext(context);
    EXPECT_EQ(std::ranges::count(seen, encoded), 0);
    seen.push_back(encoded);
  };
  for (const ProjectId& where : {project, other_project}) {
    for (const ColumnId& which : {column, other_column}) {
      expect_new({{}, where, which, ContextKind::kField, {}});
      for (const auto& key : keys) {
        expect_new({{}, where, which, ContextKind::kCell, key});
      }
    }
  }
}

}  // namespace
}  // namespace rowseal
