// A passphrase and the rows it may serve: which row makes which key of it, what a look at the rows
// may cost, and what is told of a passphrase that does not fit.
#include "roots/passphrase_root.h"

#include <unistd.h>

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include <rowseal/passphrase.h>

#include "base/encoding.h"
#include "keys/check_value.h"
#include "roots/passphrase_part.h"
#include "roots/root_key_file.h"
#include "roots/root_registry.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::string_view kWords = "orbit walnut seven lamp";
// The least that is allowed: the tests are about rules, not about time.
constexpr Argon2idCost kCheap{.passes = kMinPassphrasePasses,
                              .memory_kib = kMinPassphraseMemoryKib};

PassphraseRoot Root(std::string_view passphrase = kWords) {
  return PassphraseRoot("passphrase:", Must(DecodePassphrase(AsBytes(passphrase))));
}

// A public part of another salt for each number.
Bytes Part(std::uint8_t number) {
  PassphrasePart part{kCheap, {}};
  part.salt.fill(number);
  return EncodePassphrasePart(part);
}

Bytes FingerprintOf(std::string_view passphrase, ByteView public_part) {
  MatchBudget budget;
  const PassphrasePart part = Must(DecodePassphrasePart(public_part));
  const XaesKey key =
      Must(XaesKey::Create(Must(Argon2id(AsBytes(passphrase), part.salt, part.cost, kKeySize))));
  const Mac fingerprint = Must(RootFingerprint(key));
  return Bytes(fingerprint.begin(), fingerprint.end());
}

TEST(PassphraseRoot, MatchesTheRowItWasMadeForAndOpensWhatItWrapped) {
  const auto made = Must(Root().ForNewRow(kCheap));
  MatchBudget budget;
  const PassphraseRoot again = Root();
  const auto found = Must(again.ForRow(made->fingerprint(), made->public_part(), budget));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(budget.derivations, MatchBudget::kDerivations - 1);
  EXPECT_EQ(found->uri(), "passphrase:");
  const SecretBytes secret = Must(SecretBytes::CopyOf(Bytes(32, 7)));
  const Bytes wrapped = Must(made->Wrap(secret, AsBytes("context")));
  EXPECT_TRUE(Must(found->Unwrap(wrapped, AsBytes("context"))).EqualsInConstantTime(secret));
}

TEST(PassphraseRoot, EveryNewRowHasASaltOfItsOwn) {
  const PassphraseRoot root = Root();
  const auto first = Must(root.ForNewRow(kCheap));
  const auto second = Must(root.ForNewRow(kCheap));
  EXPECT_NE(ToHex(first->public_part()), ToHex(second->public_part()));
  EXPECT_NE(ToHex(first->fingerprint()), ToHex(second->fingerprint()));
}

TEST(PassphraseRoot, AnotherPassphraseIsAMismatchThatTellsNothingOfIt) {
  const Bytes part = Part(1);
  const Bytes fingerprint = FingerprintOf(kWords, part);
  for (const std::string_view wrong :
       {"orbit walnut seven lamP", "orbit walnut seven lamp ", "orbit walnut seven lam", "x"}) {
    MatchBudget budget;
    const auto found = Root(wrong).ForRow(fingerprint, part, budget);
    ASSERT_THAT(found, FailsWith(ErrorCode::kRootKeyMismatch));
    const std::string said = found.error().message + found.error().hint;
    EXPECT_EQ(said.find(ToHex(FingerprintOf(wrong, part)).substr(0, 8)), std::string::npos) << said;
    EXPECT_EQ(said.find("orbit"), std::string::npos) << said;
  }
}

TEST(PassphraseRoot, AnotherSaltCostOrFingerprintIsAMismatch) {
  const Bytes part = Part(1);
  const Bytes fingerprint = FingerprintOf(kWords, part);
  const PassphraseRoot root = Root();
  MatchBudget budget;
  EXPECT_THAT(root.ForRow(fingerprint, part, budget), Succeeds());
  EXPECT_THAT(root.ForRow(fingerprint, Part(2), budget), FailsWith(ErrorCode::kRootKeyMismatch));
  Bytes dearer = part;
  ++dearer[5];  // one pass more
  EXPECT_THAT(root.ForRow(fingerprint, dearer, budget), FailsWith(ErrorCode::kRootKeyMismatch));
  for (std::size_t at = 0; at < fingerprint.size(); ++at) {
    Bytes other = fingerprint;
    other[at] ^= 1;
    EXPECT_THAT(root.ForRow(other, part, budget), FailsWith(ErrorCode::kRootKeyMismatch));
  }
  EXPECT_THAT(root.ForRow({}, part, budget), FailsWith(ErrorCode::kRootKeyMismatch));
  EXPECT_THAT(root.ForRow(ByteView(fingerprint).first(4), part, budget),
              FailsWith(ErrorCode::kRootKeyMismatch));
}

TEST(PassphraseRoot, RowsOfOtherRootsAreNotItsAffairAndCostNothing) {
  const PassphraseRoot root = Root();
  MatchBudget budget;
  for (const Bytes& part : {Bytes(), Bytes(kPassphrasePartSize, 2), Bytes(32, 1)}) {
    EXPECT_EQ(Must(root.ForRow(Bytes(32, 9), part, budget)), nullptr);
  }
  EXPECT_EQ(budget.derivations, MatchBudget::kDerivations);
}

TEST(PassphraseRoot, CostsOutOfBoundsAreRefusedBeforeAnyWork) {
  const PassphraseRoot root = Root();
  Bytes part = Part(1);
  part[2] = 0xFF;  // four thousand million passes
  MatchBudget budget;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(root.ForRow(Bytes(32, 9), part, budget), FailsWith(ErrorCode::kIntegrity));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(PassphraseRoot, AKeyThatWasMadeIsMadeOnce) {
  const Bytes part = Part(1);
  const Bytes other = Part(2);
  const Bytes fingerprint = FingerprintOf(kWords, part);
  const PassphraseRoot root = Root();
  MatchBudget budget;
  const auto first = Must(root.ForRow(fingerprint, part, budget));
  EXPECT_THAT(root.ForRow(fingerprint, other, budget), FailsWith(ErrorCode::kRootKeyMismatch));
  MatchBudget none{.derivations = 0};
  EXPECT_EQ(Must(root.ForRow(fingerprint, part, none)), first);
  // A row that did not match is remembered too.
  EXPECT_THAT(root.ForRow(fingerprint, other, none), FailsWith(ErrorCode::kRootKeyMismatch));
}

TEST(PassphraseRoot, KeepsTheKeysUsedLast) {
  const PassphraseRoot root = Root();
  const Bytes part = Part(0);
  const Bytes fingerprint = FingerprintOf(kWords, part);
  MatchBudget plenty{.derivations = 100};
  const auto mine = Must(root.ForRow(fingerprint, part, plenty));
  for (std::uint8_t i = 1; i <= PassphraseRoot::kMaxKept + 2; ++i) {
    EXPECT_THAT(root.ForRow(fingerprint, Part(i), plenty), FailsWith(ErrorCode::kRootKeyMismatch));
    EXPECT_EQ(Must(root.ForRow(fingerprint, part, plenty)), mine);
  }
  MatchBudget none{.derivations = 0};
  EXPECT_THAT(root.ForRow(fingerprint, Part(1), none), FailsWith(ErrorCode::kIntegrity));
}

TEST(PassphraseRoot, MoreRowsThanTheBudgetAreRefused) {
  const PassphraseRoot root = Root();
  MatchBudget budget;
  for (std::uint8_t i = 0; i < MatchBudget::kDerivations; ++i) {
    EXPECT_THAT(root.ForRow(Bytes(32, 9), Part(i), budget), FailsWith(ErrorCode::kRootKeyMismatch));
  }
  EXPECT_THAT(root.ForRow(Bytes(32, 9), Part(99), budget),
              FailsNaming(ErrorCode::kIntegrity, "more passphrases than the 4"));
}

TEST(PassphraseRoot, HasNoKeyBeforeARowMakesItOne) {
  const PassphraseRoot root = Root();
  EXPECT_TRUE(root.fingerprint().empty());
  EXPECT_TRUE(root.public_part().empty());
  EXPECT_THAT(root.Wrap(Must(SecretBytes::CopyOf(Bytes(32, 1))), {}),
              FailsWith(ErrorCode::kInternal));
  EXPECT_THAT(root.Unwrap(Bytes(74, 1), {}), FailsWith(ErrorCode::kInternal));
}

TEST(PassphraseRoot, NewRowsNeedALongPassphraseAndACostWithinTheBounds) {
  EXPECT_THAT(Root("elevenbytes").ForNewRow(kCheap),
              FailsNaming(ErrorCode::kInvalidArgument, "at least 12 bytes"));
  EXPECT_THAT(Root("twelve-bytes").ForNewRow(kCheap), Succeeds());
  EXPECT_THAT(Root().ForNewRow({.passes = 2, .memory_kib = 65536}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Root().ForNewRow({.passes = 3, .memory_kib = 12'287}),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST(DecodePassphrase, TakesBytesAsTheyAreLessOneFinalNewline) {
  EXPECT_EQ(TextOf(Must(DecodePassphrase(AsBytes("a b\n")))), "a b");
  EXPECT_EQ(TextOf(Must(DecodePassphrase(AsBytes("a b")))), "a b");
  EXPECT_EQ(TextOf(Must(DecodePassphrase(AsBytes("a\n\n")))), "a\n");
  EXPECT_EQ(TextOf(Must(DecodePassphrase(AsBytes("a\r\n")))), "a\r");
  EXPECT_EQ(TextOf(Must(DecodePassphrase(AsBytes(std::string_view("\0\xFF", 2))))),
            std::string("\0\xFF", 2));
  EXPECT_THAT(DecodePassphrase({}), FailsWith(ErrorCode::kRootKeyMalformed));
  EXPECT_THAT(DecodePassphrase(AsBytes("\n")), FailsWith(ErrorCode::kRootKeyMalformed));
  EXPECT_THAT(DecodePassphrase(Bytes(kMaxPassphraseSize, 'a')), Succeeds());
  EXPECT_THAT(DecodePassphrase(Bytes(kMaxPassphraseSize + 1, 'a')),
              FailsWith(ErrorCode::kRootKeyMalformed));
}

// What OpenRoot and NewRoot do with the URI; the rest of their rules is in tests/cli.
class PassphraseUri : public ::testing::Test {
 protected:
  std::string File(std::string_view content, unsigned mode = 0600) const {
    const std::string path = folder_ / "passphrase";
    WriteFile(path, content, mode);
    return "passphrase:@" + path;
  }

  TempFolder folder_;
};

TEST_F(PassphraseUri, FileGivesThePassphraseAndStandsInTheUri) {
  const std::string uri = File("orbit walnut seven lamp\n");
  const Bytes part = Part(1);
  const auto root = Must(OpenRoot(uri));
  EXPECT_EQ(root->uri(), uri);
  MatchBudget budget;
  const auto found = Must(root->ForRow(FingerprintOf(kWords, part), part, budget));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->uri(), uri);
}

TEST_F(PassphraseUri, FilesThatAreMissingExposedEmptyOrTooLongAreRefused) {
  EXPECT_THAT(OpenRoot("passphrase:@" + (folder_ / "none")), FailsWith(ErrorCode::kRootKeyMissing));
  EXPECT_THAT(OpenRoot("passphrase:@" + folder_.path()), FailsWith(ErrorCode::kRootKeyMalformed));
  EXPECT_THAT(OpenRoot(File("orbit walnut", 0640)), FailsWith(ErrorCode::kRootKeyExposed));
  EXPECT_THAT(OpenRoot(File("orbit walnut", 0644) + "?mounted"), Succeeds());
  EXPECT_THAT(OpenRoot(File("orbit walnut") + "?other"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(OpenRoot(File("")), FailsWith(ErrorCode::kRootKeyMalformed));
  EXPECT_THAT(OpenRoot(File("\n")), FailsWith(ErrorCode::kRootKeyMalformed));
  EXPECT_THAT(OpenRoot(File(std::string(kMaxPassphraseSize + 1, 'a'))),
              FailsWith(ErrorCode::kRootKeyMalformed));
  EXPECT_THAT(OpenRoot(File(std::string(100'000, 'a'))), FailsWith(ErrorCode::kRootKeyMalformed));
  EXPECT_THAT(OpenRoot("passphrase:@"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(NewRoot(File("short\n")), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(PassphraseUri, AFileOfAnotherUserIsExposed) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "only root can give a file away";
  }
  const std::string key = folder_ / "a key";
  Must(CreateRootKeyFile(key));
  for (const std::string& uri : {File("orbit walnut"), "file:" + key}) {
    const std::string path = uri.substr(uri.find('/'));
    ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
    const auto root = OpenRoot(uri);
    ASSERT_THAT(root, FailsNaming(ErrorCode::kRootKeyExposed, "uid 12345"));
    EXPECT_NE(root.error().hint.find("chown 0 " + ShellWord(path)), std::string::npos);
    EXPECT_THAT(OpenRoot(uri + "?mounted"), Succeeds());
  }
  ASSERT_EQ(chown(key.c_str(), 12345, 12345), 0);
  EXPECT_THAT(ReadRecoveryKeyFile(key), FailsNaming(ErrorCode::kRootKeyExposed, "uid 12345"));
}

TEST_F(PassphraseUri, APassphraseInTheUriIsRefusedAndNotRepeated) {
  for (const std::string uri : {"passphrase:hunter2hunter2", "pass:hunter2", "hunter2hunter2"}) {
    const auto root = OpenRoot(uri);
    ASSERT_THAT(root, FailsWith(ErrorCode::kInvalidArgument));
    EXPECT_EQ((root.error().message + root.error().hint).find("hunter2"), std::string::npos) << uri;
  }
}

TEST_F(PassphraseUri, WithoutAFileSomebodyIsAskedForWhatItIsFor) {
  EXPECT_THAT(OpenRoot("passphrase:"), FailsWith(ErrorCode::kRootKeyMissing));
  std::vector<PassphraseUse> uses;
  const AskPassphrase ask = [&](PassphraseUse use) -> Result<SecretBytes> {
    uses.push_back(use);
    return SecretBytes::CopyOf(AsBytes(kWords));
  };
  EXPECT_EQ(Must(OpenRoot("passphrase:", ask))->uri(), "passphrase:");
  EXPECT_FALSE(Must(NewRoot("passphrase:", ask))->fingerprint().empty());
  EXPECT_EQ(uses, (std::vector{PassphraseUse::kOpen, PassphraseUse::kCreate}));
  const AskPassphrase refuses = [](PassphraseUse) -> Result<SecretBytes> {
    return Fail(ErrorCode::kUnavailable, "not now");
  };
  EXPECT_THAT(OpenRoot("passphrase:", refuses), FailsWith(ErrorCode::kUnavailable));
  const AskPassphrase empty = [](PassphraseUse) -> Result<SecretBytes> { return SecretBytes(); };
  EXPECT_THAT(OpenRoot("passphrase:", empty), FailsWith(ErrorCode::kRootKeyMalformed));
}

}  // namespace
}  // namespace rowseal::testing
