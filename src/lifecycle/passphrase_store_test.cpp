// A store whose root is a passphrase: made, opened, rotated; and met by somebody who can write its
// rows and would like a passphrase to be spent, weakened or told.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "roots/passphrase_part.h"
#include "roots/root_registry.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::string_view kWords = "orbit walnut seven lamp";

AskPassphrase Typing(std::string_view text) {
  return [text](PassphraseUse) { return SecretBytes::CopyOf(AsBytes(text)); };
}

// Passes on to a passphrase's root and adds up the keys that were made of it.
class WatchedRoot final : public RootProvider {
 public:
  explicit WatchedRoot(std::shared_ptr<const RootProvider> root) : root_(std::move(root)) {}
  std::string_view uri() const noexcept override { return root_->uri(); }
  ByteView fingerprint() const noexcept override { return root_->fingerprint(); }
  Result<std::shared_ptr<const RootProvider>> ForRow(ByteView fingerprint, ByteView public_part,
                                                     MatchBudget& budget) const override {
    const int before = budget.derivations;
    auto found = root_->ForRow(fingerprint, public_part, budget);
    derivations_ += before - budget.derivations;
    return found;
  }
  Result<Bytes> Wrap(const SecretBytes& secret, ByteView context) const override {
    return root_->Wrap(secret, context);
  }
  Result<SecretBytes> Unwrap(ByteView wrapped, ByteView context) const override {
    return root_->Unwrap(wrapped, context);
  }
  int derivations() const noexcept { return derivations_; }

 private:
  std::shared_ptr<const RootProvider> root_;
  mutable int derivations_ = 0;
};

class PassphraseStore : public ::testing::Test {
 protected:
  PassphraseStore() : path_(folder_ / "secrets.db") { Must(InitStore(Options(kWords))); }

  StoreOptions Options(std::string_view typed) const {
    StoreOptions options;
    options.store = "sqlite:" + path_;
    options.roots = {"passphrase:"};
    options.client.actor = "tester";
    options.ask_passphrase = Typing(typed);
    return options;
  }

  Result<Client> Connect(std::vector<std::shared_ptr<const RootProvider>> roots) const {
    return Client::Connect(OpenTestConnection(path_), std::move(roots),
                           {.actor = "tester", .observer = {}, .clock = {}});
  }

  static std::shared_ptr<WatchedRoot> Watched(std::string_view typed = kWords) {
    return std::make_shared<WatchedRoot>(Must(OpenRoot("passphrase:", Typing(typed))));
  }

  // A row with another salt, as somebody without the passphrase can add it.
  void AddRow(int id, std::uint8_t salt) {
    Bytes part = Intruder(path_).Blob(
        "SELECT public_part FROM root_key WHERE id = (SELECT max(id) FROM root_key)");
    std::fill(part.begin() + 10, part.end(), salt);
    Intruder(path_).Run(
        "INSERT INTO root_key SELECT $1, uri, scope, fingerprint, $2, state, revision, row_tag,"
        " created_at FROM root_key WHERE id = (SELECT max(id) FROM root_key)",
        {std::int64_t{id}, part});
  }

  TempFolder folder_;
  std::string path_;
};

TEST_F(PassphraseStore, OpensWithItsPassphraseAndRotates) {
  Client client = Must(OpenStore(Options(kWords)));
  Must(Put(client, "p", "name", "value"));
  Must(RotateKek(client));
  Client fresh = Must(OpenStore(Options(kWords)));
  EXPECT_EQ(Must(Get(fresh, "p", "name")), "value");
  EXPECT_TRUE(VerifyFailures(fresh).empty());
  EXPECT_EQ(Must(InitStore(Options(kWords))), InitOutcome::kExisted);
  const std::vector<RootSummary> roots = Must(ListRoots(fresh));
  ASSERT_EQ(roots.size(), 1U);
  EXPECT_EQ(roots.front().uri, "passphrase:");
  EXPECT_TRUE(roots.front().configured);
}

TEST_F(PassphraseStore, RowHoldsTheDefaultCostAndTheTagCoversIt) {
  const Bytes stored = Intruder(path_).Blob("SELECT public_part FROM root_key");
  const PassphrasePart part = Must(DecodePassphrasePart(stored));
  EXPECT_EQ(part.cost.passes, 3U);
  EXPECT_EQ(part.cost.memory_kib, 65'536U);
}

TEST_F(PassphraseStore, AnotherPassphraseIsRefusedAndChangesNothing) {
  EXPECT_THAT(OpenStore(Options("orbit walnut seven lamps")),
              FailsNaming(ErrorCode::kRootKeyMismatch, "the passphrase is not this store's"));
  EXPECT_THAT(InitStore(Options("orbit walnut seven lamps")),
              FailsWith(ErrorCode::kRootKeyMismatch));
  EXPECT_THAT(OpenStore(Options("")), FailsWith(ErrorCode::kRootKeyMalformed));
  StoreOptions nobody = Options(kWords);
  nobody.ask_passphrase = nullptr;
  EXPECT_THAT(OpenStore(nobody), FailsWith(ErrorCode::kRootKeyMissing));
}

TEST_F(PassphraseStore, KeyFileOfAnotherStoreIsNamedAndThePassphraseBesideItOpens) {
  const std::string key = folder_ / "root.key";
  Must(CreateRootKey(key));
  StoreOptions options = Options(kWords);
  options.roots = {"file:" + key};
  EXPECT_THAT(OpenStore(options), FailsNaming(ErrorCode::kRootKeyMismatch, "found "));
  options.roots = {"file:" + key, "passphrase:"};
  EXPECT_THAT(OpenStore(options), Succeeds());
  options.ask_passphrase = Typing("orbit walnut seven lamps");
  EXPECT_THAT(OpenStore(options), FailsNaming(ErrorCode::kRootKeyMismatch, "a passphrase ("));
}

TEST_F(PassphraseStore, PassphraseForAStoreWithAKeyFileIsAMismatch) {
  const TestStore store;
  StoreOptions options = store.Options();
  options.roots = {"passphrase:"};
  options.ask_passphrase = Typing(kWords);
  EXPECT_THAT(OpenStore(options), FailsNaming(ErrorCode::kRootKeyMismatch, "a passphrase ("));
}

TEST_F(PassphraseStore, TrustedRowsAreReadAgainWithoutMakingTheKeyAgain) {
  const auto root = Watched();
  Client client = Must(Connect({root}));
  Must(Put(client, "p", "name", "value"));
  EXPECT_EQ(root->derivations(), 1);
  Client other = Must(OpenStore(Options(kWords)));
  for (int i = 0; i < 3; ++i) {
    Must(RotateKek(other));  // the next get meets a KEK that it does not know
    EXPECT_EQ(Must(Get(client, "p", "name")), "value");
  }
  Must(RotateKek(client));
  EXPECT_EQ(root->derivations(), 1);
}

TEST_F(PassphraseStore, EditsOfThePublicPartAreRefused) {
  const Bytes stored = Intruder(path_).Blob("SELECT public_part FROM root_key");
  const auto refused_with = [&](const Bytes& part) {
    Intruder(path_).Run("UPDATE root_key SET public_part = $1", {part});
    const Result<Client> opened = OpenStore(Options(kWords));
    return opened ? std::string("opened") : std::string(ErrorName(opened.error().code));
  };
  Bytes salt = stored;
  salt.back() ^= 1;
  EXPECT_EQ(refused_with(salt), "root_key_mismatch");
  Bytes weaker = stored;
  weaker[5] = 1;  // one pass: a cost that nobody writes
  EXPECT_EQ(refused_with(weaker), "integrity");
  Bytes dearer = stored;
  dearer[6] = 0xFF;  // terabytes
  EXPECT_EQ(refused_with(dearer), "integrity");
  EXPECT_EQ(refused_with(Bytes()), "root_key_mismatch");
  EXPECT_EQ(refused_with(stored), "opened");
}

TEST_F(PassphraseStore, AddedRowsCostABoundedNumberOfKeysAndAreRefused) {
  // Rows are tried by their ids, so the real one is made the last.
  Intruder(path_).Run("UPDATE root_key SET id = 1000");
  Intruder(path_).Run("UPDATE kek_wrapping SET root_id = 1000");
  AddRow(1, 1);
  const auto few = Watched();
  EXPECT_THAT(Connect({few}), FailsWith(ErrorCode::kIntegrity));
  EXPECT_EQ(few->derivations(), 2);
  for (int id = 2; id <= 100; ++id) {
    AddRow(id, static_cast<std::uint8_t>(id));
  }
  const auto many = Watched();
  EXPECT_THAT(Connect({many}), FailsNaming(ErrorCode::kIntegrity, "more passphrases than"));
  EXPECT_EQ(many->derivations(), MatchBudget::kDerivations);
}

TEST(InitWithPassphrase, ShortOnesAreRefusedBeforeAnythingIsMade) {
  const TempFolder folder;
  StoreOptions options;
  options.store = "sqlite:" + (folder / "secrets.db");
  options.roots = {"passphrase:"};
  options.client.actor = "tester";
  options.ask_passphrase = Typing("elevenbytes");
  EXPECT_THAT(InitStore(options), FailsNaming(ErrorCode::kInvalidArgument, "at least 12"));
  EXPECT_THAT(OpenStore(options), FailsWith(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace rowseal::testing
