// Webhook signatures: what the services that send them publish, and what is refused.
#include <rowseal/webhook.h>

#include <algorithm>
#include <cctype>

#include "base/clock.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::FailsWith;
using testing::Must;
using testing::Named;
using testing::Project;
using testing::Put;
using testing::TestStore;

constexpr std::string_view kBody = "Hello, World!";

class WebhookSignatures : public ::testing::Test {
 protected:
  SecretBytes Copied(std::string_view text) { return Must(SecretBytes::CopyOf(AsBytes(text))); }

  template <class T>
  Result<T> Run(Result<StartedCall<T>> call) {
    if (!call) {
      return tl::unexpected(call.error());
    }
    client_.Run(*call);
    return std::move(*call).Take();
  }

  Result<std::string> Sign(const std::string& name, std::string_view body,
                           const WebhookScheme& scheme = {}) {
    return Run(StartSignWebhook(client_, Project("acme"), Named(name), scheme, Copied(body)));
  }
  Result<WebhookVerdict> Check(const std::string& name, std::string_view body,
                               const std::vector<std::string>& signatures,
                               const WebhookScheme& scheme = {},
                               std::chrono::seconds overlap = {}) {
    return Run(StartVerifyWebhook(client_, Project("acme"), Named(name), scheme, Copied(body),
                                  signatures, overlap));
  }

  // What is published is signed so, and accepted; with one character changed it is not.
  void ExpectSignature(std::string_view secret, std::string_view body, const WebhookScheme& scheme,
                       const std::string& signature) {
    SCOPED_TRACE(signature);
    const std::string name = "published " + std::to_string(++published_);
    Must(Put(client_, "acme", name, secret));
    EXPECT_EQ(Must(Sign(name, body, scheme)), signature);
    const WebhookVerdict verdict = Must(Check(name, body, {signature}, scheme));
    EXPECT_TRUE(verdict.valid);
    EXPECT_EQ(verdict.version, SecretVersion{1});
    std::string changed = signature;
    char& character = changed[scheme.prefix.size()];
    character = character == '0' ? '1' : '0';
    EXPECT_EQ(Must(Check(name, body, {changed}, scheme)).reason, "mismatch");
    EXPECT_EQ(Must(Check(name, std::string(body) + " ", {signature}, scheme)).reason, "mismatch");
  }

  std::int64_t Entries() {
    return testing::Intruder(store_.path()).Integer("SELECT count(*) FROM audit_log");
  }

  TestStore store_;
  Client client_ = store_.Open();
  int published_ = 0;
};

TEST_F(WebhookSignatures, SignaturesAreThoseThatServicesPublish) {
  // GitHub, "Validating webhook deliveries".
  ExpectSignature("It's a Secret to Everybody", kBody, {},
                  "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
  // Standard WebhookSignatures: the secret is what `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw` decodes
  // to.
  ExpectSignature(
      "1\xf2\x90\xf6\xbf\x06)\x8a\xabO\x08\xd4<?\x08,\xf6H\xa3"
      "b\xda-\xa4\xb0",
      "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}",
      {WebhookHash::kSha256, WebhookEncoding::kBase64, "v1,"},
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  // Slack, "Verifying requests from Slack"; Stripe signs in the same way.
  ExpectSignature(
      "8f742231b10e8888abcd99yyyzzz85a5",
      "v0:1531420618:token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
      "&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
      "&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
      "%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
      "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
      {WebhookHash::kSha256, WebhookEncoding::kHex, "v0="},
      "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
  // RFC 2202 and RFC 4231, test case 2.
  ExpectSignature("Jefe", "what do ya want for nothing?",
                  {WebhookHash::kSha1, WebhookEncoding::kHex, ""},
                  "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  ExpectSignature("Jefe", "what do ya want for nothing?",
                  {WebhookHash::kSha512, WebhookEncoding::kHex, ""},
                  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

TEST_F(WebhookSignatures, WhatIsNoSignatureIsRefusedBeforeTheStoreIsAsked) {
  Must(Put(client_, "acme", "hook", "It's a Secret to Everybody"));
  const std::string good = Must(Sign("hook", kBody));
  const std::string digits = good.substr(good.find('=') + 1);
  std::string upper = digits;
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::int64_t entries = Entries();
  const auto expect = [&](const std::vector<std::string>& signatures, const std::string& reason,
                          const std::string& hint, const WebhookScheme& scheme = {}) {
    const WebhookVerdict verdict = Must(Check("hook", kBody, signatures, scheme));
    EXPECT_FALSE(verdict.valid);
    EXPECT_EQ(verdict.reason, reason);
    EXPECT_NE(verdict.hint.find(hint), std::string::npos) << verdict.hint;
  };
  expect({}, "missing", "the header has another name");
  expect({""}, "missing", "the header has another name");
  expect({good, good}, "duplicate", "more than once");
  expect({digits}, "malformed", "does not begin with 'sha256='");
  expect({"sha1=" + digits}, "malformed", "does not begin with 'sha256='");
  expect({good.substr(0, good.size() - 1)}, "malformed", "64 hexadecimal digits");
  expect({good + "0"}, "malformed", "64 hexadecimal digits");
  expect({"sha256=" + digits.substr(0, 63) + "g"}, "malformed", "64 hexadecimal digits");
  expect({"sha256=" + upper}, "malformed", "lower case");
  expect({"sha256=" + std::string(44, '=')}, "malformed", "choose encoding base64");
  const WebhookScheme base64{WebhookHash::kSha256, WebhookEncoding::kBase64, "v1,"};
  expect({"v1," + digits}, "malformed", "choose encoding hex", base64);
  expect({"v1," + std::string(43, 'a')}, "malformed", "44 characters of padded base64", base64);
  expect({"v1," + std::string(64, 'z')}, "malformed", "44 characters of padded base64", base64);
  EXPECT_EQ(Entries(), entries);
  EXPECT_TRUE(Must(Check("hook", kBody, {good})).valid);
  EXPECT_EQ(Entries(), entries + 1);
}

TEST_F(WebhookSignatures, TheVersionBeforeTheNewestIsAcceptedWhileTheSecretIsReplaced) {
  Must(Put(client_, "acme", "hook", "oldest"));
  const std::string oldest = Must(Sign("hook", kBody));
  // Version 1 is the newest: there is no other.
  EXPECT_EQ(Must(Check("hook", kBody, {"sha256=" + std::string(64, '0')}, {}, kMaxOverlap)).reason,
            "mismatch");
  Must(Put(client_, "acme", "hook", "old"));
  const std::string old = Must(Sign("hook", kBody));
  EXPECT_TRUE(Must(Check("hook", kBody, {oldest}, {}, kMaxOverlap)).valid);
  Must(Put(client_, "acme", "hook", "new"));
  const std::string newest = Must(Sign("hook", kBody));
  EXPECT_EQ(Must(Check("hook", kBody, {newest})).version, SecretVersion{3});
  EXPECT_FALSE(Must(Check("hook", kBody, {old})).valid);
  EXPECT_EQ(Must(Check("hook", kBody, {old}, {}, kMaxOverlap)).version, SecretVersion{2});
  EXPECT_FALSE(Must(Check("hook", kBody, {oldest}, {}, kMaxOverlap)).valid);

  StoreOptions options = store_.Options();
  options.client.clock = [] { return SystemClock() + std::chrono::hours(2); };
  Client later = Must(OpenStore(options));
  const auto accepted_later = [&](std::chrono::seconds overlap) {
    auto call = Must(StartVerifyWebhook(later, Project("acme"), Named("hook"), {}, Copied(kBody),
                                        {old}, overlap));
    later.Run(call);
    return Must(std::move(call).Take()).valid;
  };
  EXPECT_TRUE(accepted_later(std::chrono::hours(3)));
  EXPECT_FALSE(accepted_later(std::chrono::hours(1)));
}

TEST_F(WebhookSignatures, AnOverlapIsZeroTo30Days) {
  Must(Put(client_, "acme", "hook", "secret"));
  const std::string good = Must(Sign("hook", kBody));
  for (const std::chrono::seconds overlap : {std::chrono::seconds(0), kMaxOverlap}) {
    EXPECT_TRUE(Must(Check("hook", kBody, {good}, {}, overlap)).valid);
  }
  for (const std::chrono::seconds overlap :
       {std::chrono::seconds(-1), kMaxOverlap + std::chrono::seconds(1)}) {
    EXPECT_THAT(Check("hook", kBody, {good}, {}, overlap), FailsWith(ErrorCode::kInvalidArgument));
  }
}

TEST_F(WebhookSignatures, FailuresAreThoseOfAGetAndUsesAreInTheLog) {
  const std::string form = "sha256=" + std::string(64, '0');
  EXPECT_THAT(Sign("none", kBody), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(Check("none", kBody, {form}), FailsWith(ErrorCode::kNotFound));
  Must(Put(client_, "acme", "hook", "secret"));
  Must(Sign("hook", kBody));
  Must(Check("hook", kBody, {form}));
  testing::Intruder intruder(store_.path());
  for (const char* action : {"webhook.sign", "webhook.verify"}) {
    EXPECT_EQ(intruder.Integer("SELECT count(*) FROM audit_log WHERE outcome = 'granted' AND"
                               " action = $1",
                               {std::string(action)}),
              1);
  }
  intruder.Run("UPDATE secret_version SET encrypted_data = x'00'");
  EXPECT_THAT(Sign("hook", kBody), FailsWith(ErrorCode::kIntegrity));
  EXPECT_THAT(Check("hook", kBody, {form}), FailsWith(ErrorCode::kIntegrity));

  // A replaced version that does not open is no reason to refuse the call.
  Must(Put(client_, "acme", "turning", "old"));
  const std::string old = Must(Sign("turning", kBody));
  Must(Put(client_, "acme", "turning", "new"));
  intruder.Run("UPDATE secret_version SET encrypted_data = x'00' WHERE version = 1");
  EXPECT_EQ(Must(Check("turning", kBody, {old}, {}, kMaxOverlap)).reason, "mismatch");

  Result<StartedCall<std::string>> unfinished =
      StartSignWebhook(client_, Project("acme"), Named("turning"), {}, Copied(kBody));
  ASSERT_TRUE(unfinished);
  EXPECT_THAT(std::move(*unfinished).Take(), FailsWith(ErrorCode::kInternal));
  Access nobody;
  nobody.reason = std::string(1001, 'x');
  EXPECT_FALSE(
      StartSignWebhook(client_, Project("acme"), Named("hook"), {}, Copied(kBody), nobody));
}

}  // namespace
}  // namespace rowseal
