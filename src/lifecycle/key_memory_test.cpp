// A key that opens other keys is in guarded memory only. OpenSSL's contexts hold keys in plain
// heap, which a core file or a leak of memory shows, so none may be left when a call is over.
#include <rowseal/lifecycle.h>

#include "client/session.h"
#include "roots/local_root.h"
#include "roots/root_key_file.h"
#include "support/process_memory.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

std::uint8_t GfMultiply(std::uint8_t a, std::uint8_t b) {
  std::uint8_t product = 0;
  for (int bit = 0; bit < 8; ++bit) {
    product = static_cast<std::uint8_t>(product ^ ((b >> bit & 1) != 0 ? a : 0));
    a = static_cast<std::uint8_t>((a << 1) ^ ((a & 0x80) != 0 ? 0x1B : 0));
  }
  return product;
}

// FIPS 197 section 5.1.1: the inverse in GF(2^8), then an affine map.
std::uint8_t SubByte(std::uint8_t byte) {
  std::uint8_t inverse = 0;
  for (int other = 1; other < 256; ++other) {
    if (GfMultiply(byte, static_cast<std::uint8_t>(other)) == 1) {
      inverse = static_cast<std::uint8_t>(other);
    }
  }
  std::uint8_t mapped = 0x63;
  for (int turn = 0; turn < 5; ++turn) {
    mapped = static_cast<std::uint8_t>(mapped ^ (inverse << turn) ^ (inverse >> (8 - turn)));
  }
  return mapped;
}

// A key and the first round key of its AES schedule that is not the key itself (FIPS 197 section
// 5.2), both inverted, so that they are not found where the test keeps them.
struct Wanted {
  Bytes key;
  Bytes third_round_key;
};

Wanted WantedOf(const SecretBytes& secret) {
  Wanted wanted;
  for (const std::uint8_t byte : secret.Reveal()) {
    wanted.key.push_back(static_cast<std::uint8_t>(~byte));
  }
  const auto key_at = [&](std::size_t at) { return static_cast<std::uint8_t>(~wanted.key[at]); };
  std::array<std::uint8_t, 4> word = {SubByte(key_at(29)), SubByte(key_at(30)), SubByte(key_at(31)),
                                      SubByte(key_at(28))};
  word[0] ^= 0x01;  // the round constant
  for (std::size_t at = 0; at < 16; ++at) {
    word[at % 4] = static_cast<std::uint8_t>(word[at % 4] ^ key_at(at));
    wanted.third_round_key.push_back(static_cast<std::uint8_t>(~word[at % 4]));
  }
  return wanted;
}

// Halves are searched too: a cipher may keep them apart.
void ExpectNotInPlainMemory(const Wanted& wanted, const char* what) {
  EXPECT_EQ(CountInMemory(ByteView(wanted.key).first(16), Searched::kPlain), 0U) << what;
  EXPECT_EQ(CountInMemory(ByteView(wanted.key).last(16), Searched::kPlain), 0U) << what;
  EXPECT_EQ(CountInMemory(wanted.third_round_key, Searched::kPlain), 0U) << what;
}

class KeyMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CanSearchMemory()) {
      GTEST_SKIP() << "a sanitizer's shadow memory is too large to be searched";
    }
  }
};

TEST_F(KeyMemory, TheSearchFindsAKeyThatIsHeldExpanded) {
  const XaesKey key = Must(XaesKey::Generate());
  const Wanted wanted = WantedOf(key.bytes());
  ExpectNotInPlainMemory(wanted, "before its first use");
  EXPECT_GE(CountInMemory(wanted.key, Searched::kAll), 1U) << "it is in guarded memory";
  XaesNonce nonce;
  Bytes sealed(16 + kTagSize);
  Must(key.Seal(Bytes(16), {}, nonce, sealed));
  if (__builtin_cpu_supports("aes") != 0) {  // other code has schedules of another form
    EXPECT_GE(CountInMemory(wanted.third_round_key, Searched::kPlain), 1U);
  }
  key.DropExpanded();
  ExpectNotInPlainMemory(wanted, "once it was dropped");
}

TEST_F(KeyMemory, AKeyForOneCallLeavesNothing) {
  const XaesKey key = Must(XaesKey::Generate(ExpandedForm::kForOneCall));
  const Wanted wanted = WantedOf(key.bytes());
  XaesNonce nonce;
  Bytes sealed(16 + kTagSize);
  Bytes opened(16);
  Must(key.Seal(Bytes(16, 7), {}, nonce, sealed));
  ExpectNotInPlainMemory(wanted, "after sealing");
  Must(key.Open(sealed, {}, nonce, opened));
  EXPECT_EQ(opened, Bytes(16, 7));
  sealed.back() ^= 1;
  EXPECT_THAT(key.Open(sealed, {}, nonce, opened), FailsWith(ErrorCode::kIntegrity));
  ExpectNotInPlainMemory(wanted, "after a refusal");
}

TEST_F(KeyMemory, RootKeysKeksAndTheIntegrityKeyAreInGuardedMemoryOnly) {
  const TestStore store;
  const Wanted root = WantedOf(Must(ReadRootKeyFile(store.root_path(), FileExposure::kOwnerOnly)));
  Client client = store.Open();
  ExpectNotInPlainMemory(root, "root key, after connecting");
  EXPECT_GE(CountInMemory(root.key, Searched::kAll), 1U) << "the client holds it";

  Must(Put(client, "acme", "name", "value"));
  Must(RotateKek(client));
  EXPECT_EQ(Must(Get(client, "acme", "name")), "value");
  ExpectNotInPlainMemory(root, "root key, after a rotation");
  Keyring& keyring = SessionOf(client).keyring();
  for (const KekRecord& kek : keyring.trust()->rows.keks) {
    const Wanted wanted = WantedOf(Must(keyring.OpenKek(kek.id))->key.bytes());
    ExpectNotInPlainMemory(wanted, ToText(kek.purpose).data());
  }
}

}  // namespace
}  // namespace rowseal::testing
