#include <rowseal/webhook.h>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

// The pair that GitHub's documentation publishes.
constexpr std::string_view kSecret = "It's a Secret to Everybody";
constexpr std::string_view kBody = "Hello, World!";
constexpr std::string_view kSignature =
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

class Webhooks : public ::testing::Test {
 protected:
  void Store(std::string_view value) {
    Must(client_.Put(Project("acme"),
                     {Named("hook"), AsBytes(value), SecretKind::kWebhook, {}, PutRule{}}));
  }

  Result<WebhookVerdict> Verify(std::vector<std::string> signatures, WebhookScheme scheme = {},
                                std::chrono::seconds overlap = {}) {
    StartedCall<WebhookVerdict> call =
        Must(StartVerifyWebhook(client_, Project("acme"), Named("hook"), std::move(scheme),
                                Must(SecretBytes::CopyOf(AsBytes(kBody))), signatures, overlap));
    client_.Run(call);
    return std::move(call).Take();
  }

  Result<std::string> Sign(WebhookScheme scheme = {}) {
    StartedCall<std::string> call =
        Must(StartSignWebhook(client_, Project("acme"), Named("hook"), std::move(scheme),
                              Must(SecretBytes::CopyOf(AsBytes(kBody)))));
    client_.Run(call);
    return std::move(call).Take();
  }

  std::string ReasonOf(std::vector<std::string> signatures, WebhookScheme scheme = {}) {
    const WebhookVerdict verdict = Must(Verify(std::move(signatures), std::move(scheme)));
    EXPECT_FALSE(verdict.valid);
    EXPECT_FALSE(verdict.hint.empty());
    return verdict.reason;
  }

  TestStore store_;
  Client client_ = store_.Open();
};

TEST_F(Webhooks, SignaturesAreGithubs) {
  Store(kSecret);
  EXPECT_EQ(Must(Sign()), kSignature);
  const WebhookVerdict verdict = Must(Verify({std::string(kSignature)}));
  EXPECT_TRUE(verdict.valid);
  EXPECT_EQ(verdict.version, SecretVersion{1});
  EXPECT_TRUE(verdict.reason.empty());
}

TEST_F(Webhooks, RefusalsSayWhy) {
  Store(kSecret);
  std::string changed(kSignature);
  changed.back() = changed.back() == '0' ? '1' : '0';
  std::string upper(kSignature);
  upper[7 + 4] = 'E';
  EXPECT_EQ(ReasonOf({changed}), "mismatch");
  EXPECT_EQ(ReasonOf({}), "missing");
  EXPECT_EQ(ReasonOf({""}), "missing");
  EXPECT_EQ(ReasonOf({std::string(kSignature), std::string(kSignature)}), "duplicate");
  EXPECT_EQ(ReasonOf({std::string(kSignature.substr(7))}), "malformed");
  EXPECT_EQ(ReasonOf({std::string(kSignature.substr(0, 70))}), "malformed");
  EXPECT_EQ(ReasonOf({upper}), "malformed");
  EXPECT_EQ(ReasonOf({std::string(kSignature)}, {WebhookHash::kSha512}), "malformed");
}

TEST_F(Webhooks, ReplacedSecretIsAcceptedWithinTheOverlapOnly) {
  Store(kSecret);
  Store("another");
  const std::vector<std::string> signatures = {std::string(kSignature)};
  EXPECT_EQ(ReasonOf(signatures), "mismatch");
  EXPECT_EQ(Must(Verify(signatures, {}, std::chrono::hours(1))).version, SecretVersion{1});
  EXPECT_FALSE(StartVerifyWebhook(client_, Project("acme"), Named("hook"), {}, {}, signatures,
                                  std::chrono::seconds(-1)));
  EXPECT_FALSE(StartVerifyWebhook(client_, Project("acme"), Named("hook"), {}, {}, signatures,
                                  kMaxOverlap + std::chrono::seconds(1)));
}

TEST_F(Webhooks, SecretThatIsNoKeyNeitherVerifiesNorSigns) {
  for (const std::string_view value :
       {std::string_view(), std::string_view("\0", 1), std::string_view("\0\0\0\0\0\0\0\0", 8),
        std::string_view("\n"), std::string_view(" \r\n"), std::string_view("whsec_"),
        std::string_view("whsec_\n")}) {
    Store(value);
    EXPECT_THAT(Sign(), FailsNaming(ErrorCode::kRefusedByState, "hook")) << value;
    for (const WebhookHash hash :
         {WebhookHash::kSha256, WebhookHash::kSha1, WebhookHash::kSha512}) {
      const std::size_t digits = hash == WebhookHash::kSha1     ? 40
                                 : hash == WebhookHash::kSha512 ? 128
                                                                : 64;
      EXPECT_THAT(Verify({std::string(digits, 'a')}, {hash, WebhookEncoding::kHex, ""}),
                  FailsNaming(ErrorCode::kRefusedByState, "hook"))
          << value;
    }
  }
}

// HMAC-SHA256 of the body under the empty key: what everybody can compute.
TEST_F(Webhooks, EmptySecretThatWasReplacedIsNotAcceptedWithinTheOverlap) {
  constexpr std::string_view kOfEmptyKey =
      "sha256=2bbcfa9524f3218c7a34b30e6936f8b1a4516cb097f1a85a1c7d98b5977ec769";
  Store("");
  Store(kSecret);
  const WebhookVerdict verdict =
      Must(Verify({std::string(kOfEmptyKey)}, {}, std::chrono::hours(1)));
  EXPECT_FALSE(verdict.valid);
  EXPECT_EQ(verdict.reason, "mismatch");
}

TEST_F(Webhooks, ShortSecretsAreTheSendersChoice) {
  Store("x");
  EXPECT_TRUE(Must(Verify({Must(Sign())})).valid);
}

}  // namespace
}  // namespace rowseal::testing
