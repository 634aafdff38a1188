// One suite for every kind of root: what a provider promises (keys/root_provider.h), on the real
// thing. Those that ask somebody else are made to fail as well.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "roots/aws_kms_root.h"
#include "roots/exec_root.h"
#include "roots/passphrase_root.h"
#include "roots/recovery_root.h"
#include "roots/remote_root.h"
#include "roots/root_key_file.h"
#include "roots/root_key_text.h"
#include "roots/root_registry.h"
#include "support/findings.h"
#include "support/kms_server.h"
#include "support/paths.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using namespace std::chrono_literals;
using Root = std::shared_ptr<const RootProvider>;

// Short, so that outages end soon; long enough for a busy machine.
constexpr RemoteLimits kQuick{.attempt = 1500ms,
                              .total = 4000ms,
                              .first_wait = 20ms,
                              .longest_wait = 100ms,
                              .failures_to_open = 2,
                              .open_time = 300ms};

// Somewhere a root's key comes from.
struct Place {
  TempFolder folder;
  std::unique_ptr<KmsServer> kms;
};

Root OpenSslProgram(Place& place, const std::string& name) {
  const std::string key = place.folder / (name + ".pem");
  const std::string make =
      "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out " + key + " 2>/dev/null";
  EXPECT_EQ(std::system(make.c_str()), 0);
  const std::string program = place.folder / (name + ".sh");
  WriteFile(program,
            "#!/bin/sh\nexport KEY_FILE=" + key + "\nexec " + ROWSEAL_SOURCE_DIR +
                "/examples/exec-root/openssl-file.sh\n",
            0700);
  return std::make_shared<RemoteRoot>(Must(ExecRoot::Open(program, {.deadline = kQuick.attempt})),
                                      kQuick);
}

constexpr const char* kSoftHsm = "/usr/lib/softhsm/libsofthsm2.so";

// A token in software, behind the example's script.
Root SoftHsmProgram(Place& place, const std::string& name) {
  const std::string folder = place.folder / name;
  std::filesystem::create_directories(folder + "/tokens");
  WriteFile(folder + "/softhsm2.conf", "directories.tokendir = " + folder + "/tokens\n");
  WriteFile(folder + "/pin", "1234\n");
  WriteFile(folder + "/pkcs11.conf", std::string("MODULE=") + kSoftHsm +
                                         "\nTOKEN=rowseal\nKEY=root\nPIN_FILE=" + folder +
                                         "/pin\n");
  const std::string make =
      "export SOFTHSM2_CONF=" + folder + "/softhsm2.conf; " +
      "{ softhsm2-util --init-token --free --label rowseal --pin 1234 --so-pin 5678 &&"
      " pkcs11-tool --module " +
      kSoftHsm +
      " --token-label rowseal --login --pin 1234"
      " --keypairgen --key-type rsa:2048 --label root; } >/dev/null 2>&1";
  EXPECT_EQ(std::system(make.c_str()), 0);
  const std::string program = folder + "/root.sh";
  WriteFile(program,
            "#!/bin/sh\nexport SOFTHSM2_CONF=" + folder + "/softhsm2.conf PKCS11_CONF=" + folder +
                "/pkcs11.conf\nexec " + ROWSEAL_SOURCE_DIR + "/examples/exec-root/pkcs11.sh\n",
            0700);
  return std::make_shared<RemoteRoot>(Must(ExecRoot::Open(program, {.deadline = kQuick.attempt})),
                                      kQuick);
}

struct Kind {
  std::string name;
  std::function<Root(Place&, const std::string&)> open;  // each name: another key
  bool wraps_only = false;
  bool has_other_key = true;
};

std::ostream& operator<<(std::ostream& out, const Kind& kind) { return out << kind.name; }

Root RandomFile(Place& place, const std::string& name) {
  Must(CreateRootKeyFile(place.folder / name));
  return Must(OpenRoot("file:" + (place.folder / name)));
}

Root RandomVariable(Place& /*place*/, const std::string& name) {
  const SecretBytes text = Must(EncodeRootKey(Must(RandomSecret(32))));
  const std::string variable = "TEST_ROOT_" + name;
  setenv(variable.c_str(), std::string(AsText(text.Reveal())).c_str(), 1);
  Root root = Must(OpenRoot("env:" + variable));
  unsetenv(variable.c_str());
  return root;
}

Root CheapPassphrase(Place& /*place*/, const std::string& name) {
  PassphraseRoot passphrase("passphrase:",
                            Must(SecretBytes::CopyOf(AsBytes("a test's passphrase " + name))));
  return Must(passphrase.ForNewRow({3, 12'288}));
}

Root PublicKey(Place& /*place*/, const std::string& /*name*/) {
  const SecretBytes key = Must(NewHpkePrivateKey());
  return Must(RecoveryRoot::FromPublicPart(Must(PublicKeyOf(key))));
}

Root PrivateKey(Place& /*place*/, const std::string& /*name*/) {
  return Must(RecoveryKey::Create(Must(NewHpkePrivateKey())));
}

Root Kms(Place& place, const std::string& /*name*/) {
  if (!place.kms) {
    place.kms = std::make_unique<KmsServer>();
  }
  return std::make_shared<RemoteRoot>(Must(AwsKmsRoot::Create(KmsServer::kArn, kQuick.attempt)),
                                      kQuick);
}

class RootProviderTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam().name == "exec_softhsm2" && !std::filesystem::exists(kSoftHsm)) {
      GTEST_SKIP() << "softhsm2 is not installed";
    }
    root_ = GetParam().open(place_, "one");
  }
  static SecretBytes NewSecret() { return Must(RandomSecret(32)); }

  Place place_;
  Root root_;
};

TEST_P(RootProviderTest, GivesBackWhatItWrappedInItsContextOnly) {
  const SecretBytes secret = NewSecret();
  const Bytes wrapped = Must(root_->Wrap(secret, AsBytes("context")));
  EXPECT_NE(wrapped, Must(root_->Wrap(secret, AsBytes("context"))));
  EXPECT_EQ(AsText(wrapped).find(AsText(secret.Reveal())), std::string_view::npos);
  if (GetParam().wraps_only) {
    EXPECT_FALSE(root_->can_unwrap());
    EXPECT_THAT(root_->Unwrap(wrapped, AsBytes("context")), FailsWith(ErrorCode::kRefusedByState));
    return;
  }
  EXPECT_TRUE(root_->can_unwrap());
  EXPECT_TRUE(Must(root_->Unwrap(wrapped, AsBytes("context"))).EqualsInConstantTime(secret));
  EXPECT_THAT(root_->Unwrap(wrapped, AsBytes("another")), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(root_->Unwrap(wrapped, {}), FailsWith(ErrorCode::kIntegrity));
}

TEST_P(RootProviderTest, RefusesWhatWasDamagedOrCutOff) {
  if (GetParam().wraps_only) {
    return;
  }
  const Bytes wrapped = Must(root_->Wrap(NewSecret(), AsBytes("context")));
  const std::size_t step = std::max<std::size_t>(1, wrapped.size() / 8);
  for (std::size_t at = 0; at < wrapped.size(); at += step) {
    Bytes changed = wrapped;
    changed[at] ^= 1;
    EXPECT_THAT(root_->Unwrap(changed, AsBytes("context")), FailsWith(ErrorCode::kIntegrity))
        << "byte " << at << " of " << wrapped.size();
  }
  EXPECT_THAT(root_->Unwrap(ByteView(wrapped).first(wrapped.size() - 1), AsBytes("context")),
              FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(root_->Unwrap({}, AsBytes("context")), FailsWith(ErrorCode::kIntegrity));
  Bytes longer = wrapped;
  longer.push_back(0);
  EXPECT_THAT(root_->Unwrap(longer, AsBytes("context")), FailsWith(ErrorCode::kIntegrity));
}

TEST_P(RootProviderTest, AnotherKeyDoesNotOpenAndHasAnotherFingerprint) {
  if (!GetParam().has_other_key) {
    return;
  }
  const Root other = GetParam().open(place_, "two");
  EXPECT_EQ(root_->fingerprint().size(), 32U);
  EXPECT_FALSE(std::ranges::equal(root_->fingerprint(), other->fingerprint()));
  const Bytes wrapped = Must(root_->Wrap(NewSecret(), AsBytes("context")));
  EXPECT_FALSE(other->Unwrap(wrapped, AsBytes("context")).has_value());
  if (!GetParam().wraps_only) {
    EXPECT_THAT(other->Unwrap(wrapped, AsBytes("context")), FailsWith(ErrorCode::kIntegrity));
  }
}

TEST_P(RootProviderTest, WrapsKeysOf32BytesAlone) {
  EXPECT_THAT(root_->Wrap(Must(RandomSecret(31)), AsBytes("context")),
              FailsWith(ErrorCode::kInvalidArgument));
}

TEST_P(RootProviderTest, ServesSeveralThreads) {
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        const SecretBytes secret = NewSecret();
        const Result<Bytes> wrapped = root_->Wrap(secret, AsBytes("context"));
        if (!wrapped) {
          ++failures;
        } else if (!GetParam().wraps_only) {
          const Result<SecretBytes> opened = root_->Unwrap(*wrapped, AsBytes("context"));
          failures += opened && opened->EqualsInConstantTime(secret) ? 0 : 1;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(failures, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Every, RootProviderTest,
    ::testing::Values(Kind{"file", RandomFile}, Kind{"env", RandomVariable},
                      Kind{"passphrase", CheapPassphrase}, Kind{"recovery", PublicKey, true},
                      Kind{"recovery_key", PrivateKey}, Kind{"exec", OpenSslProgram},
                      Kind{"exec_softhsm2", SoftHsmProgram}, Kind{"aws_kms", Kms, false, false}),
    [](const auto& kind) { return kind.param.name; });

// --- AWS KMS that fails --------------------------------------------------------------------------

std::chrono::milliseconds TimeOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

class FailingKms : public ::testing::Test {
 protected:
  FailingKms()
      : root_(std::make_shared<RemoteRoot>(Must(AwsKmsRoot::Create(KmsServer::kArn, 300ms)),
                                           RemoteLimits{.attempt = 300ms,
                                                        .total = 1000ms,
                                                        .first_wait = 20ms,
                                                        .longest_wait = 50ms,
                                                        .failures_to_open = 2,
                                                        .open_time = 400ms})),
        wrapped_(Must(root_->Wrap(secret_, AsBytes("context")))) {}
  Result<SecretBytes> Unwrap() { return root_->Unwrap(wrapped_, AsBytes("context")); }

  KmsServer server_;
  const SecretBytes secret_ = Must(RandomSecret(32));
  Root root_;
  const Bytes wrapped_;
};

TEST_F(FailingKms, ThrottledCallsAreTriedAgain) {
  server_.SetMode("throttle 3");
  EXPECT_TRUE(Must(Unwrap()).EqualsInConstantTime(secret_));
}

TEST_F(FailingKms, OutageIsUnavailableWithinTheDeadlineAndThenAtOnce) {
  for (const std::string_view mode : {"down", "error", "slow 2000"}) {
    server_.SetMode(mode);
    for (int call = 0; call < 2; ++call) {
      const auto took =
          TimeOf([&] { EXPECT_THAT(Unwrap(), FailsWith(ErrorCode::kUnavailable)) << mode; });
      EXPECT_LT(took, 1500ms) << mode;
    }
    const int asked = server_.Requests();
    const auto took = TimeOf([&] {
      EXPECT_THAT(Unwrap(), FailsNaming(ErrorCode::kUnavailable, "is not asked for")) << mode;
    });
    EXPECT_LT(took, 100ms) << "the breaker is open";
    EXPECT_EQ(server_.Requests(), asked);
    server_.SetMode("ok");
    std::this_thread::sleep_for(500ms);
    EXPECT_TRUE(Unwrap().has_value()) << "it is asked again once it may be back, after " << mode;
  }
}

TEST_F(FailingKms, RefusalsAreSaidAtOnceByWhatToDoNext) {
  server_.SetMode("disabled");
  const int before = server_.Requests();
  EXPECT_THAT(Unwrap(), FailsNaming(ErrorCode::kRefusedByState, "DisabledException"));
  EXPECT_EQ(server_.Requests(), before + 1) << "what is refused is not tried again";
  server_.SetMode("other-key");
  EXPECT_THAT(Unwrap(), FailsNaming(ErrorCode::kIntegrity, "another key"));
  server_.SetMode("ok");
  setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
  EXPECT_THAT(Unwrap(), FailsNaming(ErrorCode::kRootKeyMissing, "InvalidSignatureException"));
  setenv("AWS_SESSION_TOKEN", "test token", 1);  // signed like the rest
  setenv("AWS_SECRET_ACCESS_KEY", "test secret key", 1);
  EXPECT_THAT(Unwrap(), Succeeds());
  setenv("AWS_SESSION_TOKEN", "another", 1);
  EXPECT_THAT(Unwrap(), FailsNaming(ErrorCode::kRootKeyMissing, "UnrecognizedClient"));
  unsetenv("AWS_SESSION_TOKEN");
  unsetenv("AWS_SECRET_ACCESS_KEY");
  EXPECT_THAT(Unwrap(), FailsNaming(ErrorCode::kRootKeyMissing, "no credentials"));
}

TEST_F(FailingKms, SameQuestionOfSeveralThreadsIsAskedOnce) {
  server_.SetMode("slow 150");
  const int before = server_.Requests();
  std::atomic<int> opened{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 8; ++number) {
    threads.emplace_back([&] {
      const Result<SecretBytes> secret = Unwrap();
      opened += secret && secret->EqualsInConstantTime(secret_) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(opened, 8);
  EXPECT_LE(server_.Requests() - before, 2);
}

TEST_F(FailingKms, StoreOpensWithASpareWhileItIsDown) {
  TestStore store;
  Client client = store.Open();
  Must(Put(client, "p1", "name", "one"));
  Must(AddRoot(client, {server_.uri()}));
  StoreOptions options = store.Options();
  options.roots = {server_.uri()};
  {
    Client by_kms = Must(OpenStore(options));
    EXPECT_EQ(Must(Get(by_kms, "p1", "name")), "one");
  }
  server_.SetMode("disabled");
  EXPECT_THAT(OpenStore(options), FailsWith(ErrorCode::kRefusedByState));
  options.roots = {server_.uri(), "file:" + store.root_path()};
  std::vector<std::string> events;
  options.client.observer =
      std::make_shared<Observer>([&](const LogEvent& event) { events.emplace_back(event.name); });
  Client by_spare = Must(OpenStore(options));
  EXPECT_EQ(Must(Get(by_spare, "p1", "name")), "one");
  EXPECT_GE(std::ranges::count(events, "root_failed"), 1);
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "roots", "does not open its keys"));
}

TEST(AwsKmsRoots, AreNamedByAKeysArn) {
  for (const std::string arn :
       {"", "arn:aws:kms:eu-central-1:111122223333:alias/app", "alias/app", "1234abcd",
        "arn:aws:s3:eu-central-1:111122223333:key/1", "arn:aws:kms:eu.evil.com/:1:key/1",
        "arn:aws:kms:eu-central-1:111122223333:key/1\"}"}) {
    EXPECT_THAT(OpenRoot("aws-kms:" + arn), FailsWith(ErrorCode::kInvalidArgument)) << arn;
  }
  EXPECT_THAT(OpenRoot("aws-kms:" + std::string(KmsServer::kArn)), Succeeds());
  setenv("AWS_ENDPOINT_URL_KMS", "http://kms.example.com", 1);
  setenv("AWS_ACCESS_KEY_ID", "x", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "x", 1);
  const Root plain = Must(OpenRoot("aws-kms:" + std::string(KmsServer::kArn)));
  EXPECT_THAT(plain->Wrap(Must(RandomSecret(32)), {}),
              FailsNaming(ErrorCode::kInvalidArgument, "https://"));
  unsetenv("AWS_ENDPOINT_URL_KMS");
}

// --- programs that fail --------------------------------------------------------------------------

class FailingProgram : public ::testing::Test {
 protected:
  Result<std::shared_ptr<const ExecRoot>> Open(const std::string& script, unsigned mode = 0700) {
    const std::string path = folder_ / ("program" + std::to_string(++number_));
    WriteFile(path, "#!/bin/sh\nread -r line\n" + script, mode);
    return ExecRoot::Open(path, {.deadline = 1000ms});
  }
  // Describes itself, and does `script` for all else.
  Root Answering(const std::string& script) {
    return Must(Open("case $line in *describe) echo key; exit;; esac\n" + script));
  }
  TempFolder folder_;
  int number_ = 0;
  const SecretBytes secret_ = Must(RandomSecret(32));
};

TEST_F(FailingProgram, IsUnavailableWithinTheDeadline) {
  for (const std::string script :
       {"sleep 60", "cat /dev/zero", "exit 1", "kill -9 $$", "sleep 60 & exec sleep 60"}) {
    const Root root = Answering(script);
    const auto took = TimeOf([&] {
      EXPECT_THAT(root->Wrap(secret_, {}), FailsWith(ErrorCode::kUnavailable)) << script;
    });
    EXPECT_LT(took, 3000ms) << script;
  }
  EXPECT_THAT(Open("exit 0"), FailsWith(ErrorCode::kUnavailable)) << "no identity";
}

TEST_F(FailingProgram, LeavesNothingRunning) {
  const std::string mark = folder_ / "mark";
  const Root root = Answering("(sleep 2; touch " + mark + ") & exit 1");
  EXPECT_THAT(root->Wrap(secret_, {}), FailsWith(ErrorCode::kUnavailable));
  std::this_thread::sleep_for(2500ms);
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(FailingProgram, ThatWrapsNothingIsRefused) {
  EXPECT_THAT(Answering("cat")->Wrap(secret_, {}), FailsWith(ErrorCode::kRefusedByState));
  EXPECT_THAT(Answering("exit 3")->Wrap(secret_, {}), FailsWith(ErrorCode::kRefusedByState));
  EXPECT_THAT(Answering("exit 2")->Unwrap(AsBytes("x"), {}), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(Answering("echo other")->Unwrap(AsBytes("x"), {}), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(FailingProgram, ThatOthersMayChangeIsNotStarted) {
  EXPECT_THAT(Open("echo key", 0722), FailsWith(ErrorCode::kRootKeyExposed));
  EXPECT_THAT(Open("echo key", 0600), FailsWith(ErrorCode::kRootKeyMissing));
  EXPECT_THAT(ExecRoot::Open(folder_ / "none"), FailsWith(ErrorCode::kRootKeyMissing));
  EXPECT_THAT(OpenRoot("exec:"), FailsWith(ErrorCode::kInvalidArgument));
}

// Neither the wrapping secret nor a root key of the environment is where others may look.
TEST_F(FailingProgram, IsGivenSecretsOverItsPipeOnly) {
  const std::string seen = folder_ / "seen";
  setenv("ROWSEAL_ROOT", "env:OTHER_KEY", 1);
  setenv("OTHER_KEY", "rsroot1aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dyp62mskdu", 1);
  setenv("KEPT_VARIABLE", "kept", 1);
  const Root root = Answering("tr '\\0' '\\n' </proc/$$/environ >" + seen +
                              "; tr '\\0' ' ' </proc/$$/cmdline >>" + seen + "; exit 1");
  EXPECT_THAT(root->Wrap(secret_, {}), FailsWith(ErrorCode::kUnavailable));
  unsetenv("ROWSEAL_ROOT");
  unsetenv("OTHER_KEY");
  unsetenv("KEPT_VARIABLE");
  const std::string text = ReadFile(seen);
  EXPECT_EQ(text.find("rsroot1"), std::string::npos);
  EXPECT_EQ(text.find("ROWSEAL_"), std::string::npos);
  EXPECT_NE(text.find("KEPT_VARIABLE=kept"), std::string::npos);
  EXPECT_EQ(text.find(AsText(secret_.Reveal())), std::string::npos);
}

}  // namespace
}  // namespace rowseal::testing
