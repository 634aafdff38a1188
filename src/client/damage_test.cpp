// A flipped bit or a cut anywhere in what is stored: refused with `integrity`, the row named,
// nothing released, and rows that do not depend on it unaffected.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "client/sealing.h"
#include "envelope/padding.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::size_t kForms = 200;
constexpr std::size_t kLargest = 4096;  // bytes

// 0, 1, 2, … around block sizes first, then spread to kLargest.
std::size_t SizeOf(std::size_t form) {
  return form < 70 ? form : 70 + (form - 70) * (kLargest - 70) / (kForms - 71);
}

std::string ValueOf(std::size_t form) {
  std::string value(SizeOf(form), '\0');
  for (std::size_t i = 0; i < value.size(); ++i) {
    value[i] = static_cast<char>((i * 131 + form * 17) & 0xFF);
  }
  return value;
}

void FlipBit(Bytes& bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
}

// Every `stride`-th bit from a random one on, so that rounds meet them all; all of them in a soak
// run.
std::size_t Stride(std::size_t bits, std::size_t wanted) {
  return IsSoak() || bits <= wanted ? 1 : bits / wanted;
}

TEST(Sealing, EveryFlippedBitCutAndSpliceIsRefusedAndReleasesNothing) {
  const XaesKey key = Must(XaesKey::Generate());
  const Bytes context = {1, 2, 3};
  SecretBuffer released = Must(SecretBuffer::Create(PaddedSize(kLargest) + 128));
  std::size_t accepted = 0;
  std::size_t tried = 0;
  const auto expect_refused = [&](ByteView data, ByteView nonce) {
    ++tried;
    const Result<void> opened = OpenPaddedInto(key, data, nonce, context, released);
    accepted += opened || opened.error().code != ErrorCode::kIntegrity || released.size() != 0;
  };
  FreshNonces nonces = Must(FreshNonces::Draw(1 + kForms));
  const auto seal = [&](std::string_view value) {
    return Must(SealPadded(key, AsBytes(value), context, nonces));
  };
  SealedBytes previous = seal("another");
  Random random(1);
  for (std::size_t form = 0; form < kForms; ++form) {
    const std::string value = ValueOf(form);
    const SealedBytes sealed = seal(value);
    ASSERT_TRUE(OpenPaddedInto(key, sealed.encrypted_data, sealed.nonce, context, released));
    ASSERT_EQ(AsText(released.Reveal()), value);

    Bytes data = sealed.encrypted_data;
    const std::size_t bits = data.size() * 8;
    const std::size_t stride = Stride(bits, 2000);
    for (std::size_t bit = random.Below(stride); bit < bits; bit += stride) {
      FlipBit(data, bit);
      expect_refused(data, sealed.nonce);
      FlipBit(data, bit);
    }
    XaesNonce nonce = sealed.nonce;
    for (std::size_t bit = 0; bit < nonce.size() * 8; ++bit) {
      nonce[bit / 8] = static_cast<std::uint8_t>(nonce[bit / 8] ^ (1U << (bit % 8)));
      expect_refused(data, nonce);
      nonce = sealed.nonce;
    }
    for (std::size_t size = 0; size < data.size(); size += 1 + random.Below(Stride(bits, 4000))) {
      expect_refused(ByteView(data).first(size), nonce);
    }
    for (std::size_t size = 0; size < nonce.size(); ++size) {
      expect_refused(data, ByteView(nonce).first(size));
    }
    Bytes longer = data;
    for (int more = 0; more < 64 && longer.size() - kTagSize < released.capacity(); ++more) {
      longer.push_back(static_cast<std::uint8_t>(more));
      expect_refused(longer, nonce);
    }
    // Parts of another valid form of the same key and context.
    expect_refused(data, previous.nonce);
    expect_refused(previous.encrypted_data, nonce);
    Bytes spliced = data;
    std::copy_n(previous.encrypted_data.end() - kTagSize, kTagSize, spliced.end() - kTagSize);
    expect_refused(spliced, nonce);
    previous = sealed;
  }
  EXPECT_EQ(accepted, 0U) << "of " << tried;
  EXPECT_GT(tried, 100'000U);
}

// A store with 200 secrets in 8 projects.
class DamagedStore : public ::testing::Test {
 protected:
  static constexpr std::size_t kProjects = 8;

  DamagedStore() : client_(store_.Open()), intruder_(store_.path()) {
    for (std::size_t form = 0; form < kForms; ++form) {
      Must(Put(client_, ProjectOf(form), NameOf(form), ValueOf(form)));
    }
  }

  static std::string ProjectOf(std::size_t form) { return "p" + std::to_string(form % kProjects); }
  static std::string NameOf(std::size_t form) { return "s" + std::to_string(form); }

  void ExpectOpens(std::size_t form) {
    ASSERT_THAT(Get(client_, ProjectOf(form), NameOf(form)), Succeeds()) << form;
    ASSERT_EQ(*Get(client_, ProjectOf(form), NameOf(form)), ValueOf(form)) << form;
  }

  void ExpectRefused(std::size_t form, const std::string& named) {
    ASSERT_THAT(Get(client_, ProjectOf(form), NameOf(form)),
                FailsNaming(ErrorCode::kIntegrity, named))
        << "form " << form;
  }

  // Sets a column of the one row that `where` finds, and gives its old value.
  Bytes Read(const std::string& table, const std::string& column, const std::string& where) {
    return intruder_.Blob("SELECT " + column + " FROM " + table + " WHERE " + where);
  }
  void Write(const std::string& table, const std::string& column, const std::string& where,
             const Bytes& bytes) {
    intruder_.Run("UPDATE " + table + " SET " + column + " = $1 WHERE " + where, {bytes});
  }

  TestStore store_;
  Client client_;
  Intruder intruder_;
  Random random_{2};
};

TEST_F(DamagedStore, FlippedBitsAndCutsOfVersionsAreRefusedAndNeighboursOpen) {
  for (std::size_t form = 0; form < kForms; ++form) {
    const std::string where =
        "secret_id = (SELECT id FROM secret WHERE name = '" + NameOf(form) + "') AND version = 1";
    for (const std::string column : {"encrypted_data", "nonce"}) {
      const Bytes original = Read("secret_version", column, where);
      const std::size_t bits = original.size() * 8;
      for (std::size_t sample = 0; sample < Scaled(6); ++sample) {
        Bytes damaged = original;
        FlipBit(damaged, sample == 0 ? bits - 1 : random_.Below(bits));
        Write("secret_version", column, where, damaged);
        ExpectRefused(form, "'" + NameOf(form) + "'");
      }
      Bytes cut = original;
      cut.resize(random_.Below(original.size()));
      Write("secret_version", column, where, cut);
      ExpectRefused(form, "'" + NameOf(form) + "'");
      Bytes longer = original;
      longer.resize(original.size() + 1 + random_.Below(64), 0);
      Write("secret_version", column, where, longer);
      ExpectRefused(form, "'" + NameOf(form) + "'");
      ExpectOpens((form + kProjects) % kForms);  // the same project and DEK
      Write("secret_version", column, where, original);
    }
    ExpectOpens(form);
  }
  store_.ExpectClean();
}

TEST_F(DamagedStore, FlippedBitsAndCutsOfDekRowsAreRefusedAndOtherProjectsOpen) {
  for (const std::string column : {"wrapped_key", "check_value", "row_tag"}) {
    const Bytes original = Read("dek", column, "project_id = 'p3'");
    const std::string id = intruder_.Text("SELECT id FROM dek WHERE project_id = 'p3'");
    for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
      Bytes damaged = original;
      FlipBit(damaged, bit);
      Write("dek", column, "project_id = 'p3'", damaged);
      ExpectRefused(3, id);
      if (bit % 64 == 0) {
        ExpectOpens(4);
        Client fresh = store_.Open();  // one that never saw the row whole
        ASSERT_THAT(Get(fresh, "p3", "s3"), FailsNaming(ErrorCode::kIntegrity, id)) << bit;
        ASSERT_THAT(Put(fresh, "p3", "s3", "new"), FailsNaming(ErrorCode::kIntegrity, id)) << bit;
        ASSERT_THAT(Get(fresh, "p4", "s4"), Succeeds()) << bit;
      }
    }
    for (std::size_t size = 0; size < original.size(); ++size) {
      Write("dek", column, "project_id = 'p3'",
            Bytes(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(size)));
      ExpectRefused(3, id);
    }
    Write("dek", column, "project_id = 'p3'", original);
    ExpectOpens(3);
  }
  store_.ExpectClean();
}

TEST_F(DamagedStore, FlippedBitsAndCutsOfTrustedRowsAreRefusedAtConnect) {
  struct Column {
    std::string table;
    std::string column;
    std::string where;
    std::string named;
  };
  const std::vector<Column> columns = {
      {"kek_wrapping", "secret", "kek_id = 1", "wrapping of KEK 1 by root 1"},
      {"kek_wrapping", "key", "kek_id = 1", "wrapping of KEK 1 by root 1"},
      {"kek_wrapping", "secret", "kek_id = 2", "wrapping of KEK 2 by root 1"},
      {"kek_wrapping", "key", "kek_id = 2", "wrapping of KEK 2 by root 1"},
      {"kek", "check_value", "id = 1", "row 1 of kek"},
      {"kek", "row_tag", "id = 1", "row 1 of kek"},
      {"kek", "check_value", "id = 2", "KEK 2"},
      {"kek", "row_tag", "id = 2", "row 2 of kek"},
      {"root_key", "row_tag", "id = 1", "row 1 of root_key"},
      {"installation", "trust_tag", "singleton = 1", "installation.trust_tag"},
  };
  for (const Column& place : columns) {
    SCOPED_TRACE(place.table + "." + place.column + " where " + place.where);
    const Bytes original = Read(place.table, place.column, place.where);
    const auto expect_refused = [&](const Bytes& damaged) {
      Write(place.table, place.column, place.where, damaged);
      ASSERT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, place.named));
    };
    const std::size_t stride = IsSoak() ? 1 : 7;
    for (std::size_t bit = random_.Below(stride); bit < original.size() * 8; bit += stride) {
      Bytes damaged = original;
      FlipBit(damaged, bit);
      expect_refused(damaged);
    }
    for (std::size_t size = 0; size < original.size(); size += stride) {
      expect_refused(Bytes(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(size)));
    }
    Bytes longer = original;
    longer.push_back(0);
    expect_refused(longer);
    Write(place.table, place.column, place.where, original);
  }
  // The configured root still opens the integrity key, which tells that the row was changed.
  Bytes fingerprint = Read("root_key", "fingerprint", "id = 1");
  FlipBit(fingerprint, 100);
  Write("root_key", "fingerprint", "id = 1", fingerprint);
  EXPECT_THAT(store_.TryOpen(), FailsNaming(ErrorCode::kIntegrity, "row 1 of root_key"));
  FlipBit(fingerprint, 100);
  Write("root_key", "fingerprint", "id = 1", fingerprint);
  store_.ExpectClean();
}

TEST(SealedValues, FlippedBitsAndCutsAreRefusedAndOthersOpen) {
  TestStore store;
  Client client = store.Open();
  Must(client.AddColumn(Label("tokens"), ContextKind::kField));
  Must(client.AddColumn(Label("cells"), ContextKind::kCell));
  const std::vector<std::string> row = {"42"};
  const std::string neighbour =
      Must(client.SealValue(Project("acme"), Label("tokens"), AsBytes("neighbour")));
  Random random(3);
  for (std::size_t form = 0; form < kForms; ++form) {
    const bool cell = form % 2 == 1;
    const ColumnLabel label = Label(cell ? "cells" : "tokens");
    const std::vector<std::string> key = cell ? row : std::vector<std::string>();
    const std::string text =
        Must(client.SealValue(Project("acme"), label, AsBytes(ValueOf(form)), key));
    const Bytes original = Must(FromBase64(Base64::kUrl, text.substr(4)));
    const auto expect_refused = [&](const std::string& damaged) {
      ASSERT_THAT(client.OpenValue(Project("acme"), label, damaged, key),
                  FailsWith(ErrorCode::kIntegrity))
          << "form " << form;
    };
    const std::size_t bits = original.size() * 8;
    for (std::size_t sample = 0; sample < Scaled(20); ++sample) {
      Bytes damaged = original;
      FlipBit(damaged, random.Below(bits));
      expect_refused("rs1." + ToBase64(Base64::kUrl, damaged));
    }
    for (std::size_t sample = 0; sample < Scaled(6); ++sample) {
      expect_refused(text.substr(0, random.Below(text.size())));
      Bytes shorter = original;
      shorter.resize(random.Below(original.size()));
      expect_refused("rs1." + ToBase64(Base64::kUrl, shorter));
    }
    EXPECT_EQ(TextOf(Must(client.OpenValue(Project("acme"), label, text, key))), ValueOf(form));
  }
  EXPECT_EQ(TextOf(Must(client.OpenValue(Project("acme"), Label("tokens"), neighbour))),
            "neighbour");
}

TEST(SealedValues, EveryBitOfTheHeaderAndOfTheTagIsBound) {
  TestStore store;
  Client client = store.Open();
  Must(client.AddColumn(Label("tokens"), ContextKind::kField));
  const std::string text = Must(client.SealValue(Project("acme"), Label("tokens"), AsBytes("x")));
  const Bytes original = Must(FromBase64(Base64::kUrl, text.substr(4)));
  for (std::size_t bit = 0; bit < original.size() * 8; ++bit) {
    Bytes damaged = original;
    FlipBit(damaged, bit);
    ASSERT_THAT(client.OpenValue(Project("acme"), Label("tokens"),
                                 "rs1." + ToBase64(Base64::kUrl, damaged)),
                FailsWith(ErrorCode::kIntegrity))
        << bit;
  }
}

}  // namespace
}  // namespace rowseal::testing
