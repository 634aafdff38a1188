#include <rowseal/webhook.h>

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "client/client_inside.h"
#include "client/get_operation.h"
#include "crypto/mac.h"

namespace rowseal {
namespace {

HmacHash HashOf(WebhookHash hash) {
  switch (hash) {
    case WebhookHash::kSha1:
      return HmacHash::kSha1;
    case WebhookHash::kSha512:
      return HmacHash::kSha512;
    case WebhookHash::kSha256:
      break;
  }
  return HmacHash::kSha256;
}

// HMAC pads a key with zeros (RFC 2104), so zeros are the empty key, and what a sender's page shows
// before a secret, or a line end alone, is known to all: anybody could sign with these.
bool IsNoKey(ByteView key) {
  constexpr std::string_view kPublicPrefix = "whsec_";
  std::string_view text = AsText(key);
  if (text.starts_with(kPublicPrefix)) {
    text.remove_prefix(kPublicPrefix.size());
  }
  constexpr std::string_view kNothing(" \t\r\n\0", 5);
  return text.find_first_not_of(kNothing) == std::string_view::npos;
}

Result<void> CheckKey(const SecretName& name, ByteView key) {
  if (!IsNoKey(key)) {
    return {};
  }
  return Fail(ErrorCode::kRefusedByState,
              "secret '" + Printable(name.text()) +
                  "' is empty: anybody could make the signatures of such a webhook",
              "store the sender's secret: rowseal secret put PROJECT NAME --kind webhook < FILE");
}

Result<std::string> SignatureOf(const WebhookScheme& scheme, ByteView key, ByteView body) {
  ROWSEAL_ASSIGN(const Bytes mac, Hmac(HashOf(scheme.hash), key, body));
  return scheme.prefix +
         (scheme.encoding == WebhookEncoding::kHex ? ToHex(mac) : ToBase64(Base64::kPadded, mac));
}

WebhookVerdict Refused(std::string reason, std::string hint) {
  return {false, {}, std::move(reason), std::move(hint)};
}

// Refuses what is no signature of the scheme, by its form alone.
std::optional<WebhookVerdict> CheckForm(const WebhookScheme& scheme,
                                        const std::vector<std::string>& signatures) {
  if (signatures.size() > 1) {
    return Refused("duplicate", "the header came more than once; a proxy or an attacker added one");
  }
  if (signatures.empty() || signatures.front().empty()) {
    return Refused("missing", "the sender signs nothing, or the header has another name");
  }
  const std::string_view given = signatures.front();
  if (!given.starts_with(scheme.prefix)) {
    return Refused("malformed", "the signature does not begin with '" + scheme.prefix + "'");
  }
  const std::string_view text = given.substr(scheme.prefix.size());
  const bool is_hex_of_any_case = std::ranges::all_of(text, IsHexDigit);
  const std::size_t mac_size = HmacSize(HashOf(scheme.hash));
  if (scheme.encoding == WebhookEncoding::kBase64) {
    const std::size_t size = (mac_size + 2) / 3 * 4;
    if (text.size() == size) {
      return std::nullopt;
    }
    return Refused("malformed", is_hex_of_any_case && text.size() == 2 * mac_size
                                    ? "the signature is hexadecimal: choose encoding hex"
                                    : "a signature has " + std::to_string(size) +
                                          " characters of padded base64 behind its prefix");
  }
  if (text.size() != 2 * mac_size || !is_hex_of_any_case) {
    return Refused("malformed",
                   text.size() == (mac_size + 2) / 3 * 4
                       ? "the signature looks like base64: choose encoding base64"
                       : "a signature has " + std::to_string(2 * mac_size) +
                             " hexadecimal digits behind its prefix: is the hash the sender's?");
  }
  if (text.find_first_of("ABCDEF") != std::string_view::npos) {
    return Refused("malformed", "hexadecimal digits are lower case");
  }
  return std::nullopt;
}

class VerifyBody final : public CallBody<WebhookVerdict> {
 public:
  VerifyBody(Session& session, const ProjectId& project, SecretName name, WebhookScheme scheme,
             SecretBytes body, const std::vector<std::string>& signatures,
             std::chrono::seconds overlap, Access access)
      : session_(session),
        project_(project),
        name_(std::move(name)),
        scheme_(std::move(scheme)),
        body_(std::move(body)),
        overlap_(overlap),
        access_(std::move(access)) {
    if (std::optional<WebhookVerdict> refused = CheckForm(scheme_, signatures)) {
      verdict_ = std::move(*refused);
      return;
    }
    given_ = signatures.front();
    Ask({});
  }

  std::optional<Statement> Next() override {
    while (get_) {
      if (std::optional<Statement> statement = get_->Next()) {
        return statement;
      }
      Judge();
    }
    return std::nullopt;
  }

  void Feed(Result<Rows> outcome) override {
    if (get_) {
      get_->Feed(std::move(outcome));
    }
  }

  Result<WebhookVerdict> Take() override { return std::move(verdict_); }

 private:
  void Ask(std::optional<SecretVersion> version) {
    get_.emplace(session_, project_, std::vector<SecretRef>{{name_, version}}, access_,
                 "webhook.verify");
  }

  // The newest version's failure is the call's; that a replaced one does not open is a mismatch.
  void Judge() {
    Result<std::vector<Result<Secret>>> secrets = std::move(*get_).Take();
    get_.reset();
    Result<Secret> secret =
        secrets ? std::move(secrets->front()) : Result<Secret>(tl::unexpected(secrets.error()));
    const bool is_newest = !std::exchange(asked_newest_, true);
    if (!secret) {
      verdict_ = is_newest ? Result<WebhookVerdict>(tl::unexpected(secret.error())) : Mismatch();
      return;
    }
    if (Result<void> checked = CheckKey(name_, secret->value.Reveal()); !checked) {
      verdict_ = is_newest ? Result<WebhookVerdict>(tl::unexpected(checked.error())) : Mismatch();
      return;
    }
    const Result<std::string> expected =
        SignatureOf(scheme_, secret->value.Reveal(), body_.Reveal());
    if (!expected) {
      verdict_ = tl::unexpected(expected.error());
      return;
    }
    if (EqualInConstantTime(AsBytes(*expected), AsBytes(given_))) {
      verdict_ = WebhookVerdict{true, secret->version, {}, {}};
      return;
    }
    verdict_ = Mismatch();
    const bool is_being_rotated =
        is_newest && secret->version.value > 1 && secret->created_at + overlap_ > session_.Now();
    if (is_being_rotated) {
      Ask(SecretVersion{secret->version.value - 1});
    }
  }

  static WebhookVerdict Mismatch() {
    return Refused("mismatch",
                   "sign and verify the body's raw bytes, not JSON parsed and written again; and"
                   " compare the secret with the sender's");
  }

  Session& session_;
  const ProjectId project_;
  const SecretName name_;
  const WebhookScheme scheme_;
  const SecretBytes body_;
  const std::chrono::seconds overlap_;
  const Access access_;
  std::string given_;
  bool asked_newest_ = false;
  std::optional<GetOperation> get_;
  Result<WebhookVerdict> verdict_ = Mismatch();
};

class SignBody final : public CallBody<std::string> {
 public:
  SignBody(Session& session, const ProjectId& project, SecretName name, WebhookScheme scheme,
           SecretBytes body, Access access)
      : name_(std::move(name)),
        scheme_(std::move(scheme)),
        body_(std::move(body)),
        get_(session, project, {{name_, {}}}, std::move(access), "webhook.sign") {}
  std::optional<Statement> Next() override { return get_.Next(); }
  void Feed(Result<Rows> outcome) override { get_.Feed(std::move(outcome)); }
  Result<std::string> Take() override {
    ROWSEAL_ASSIGN(std::vector<Result<Secret>> secrets, std::move(get_).Take());
    if (secrets.empty()) {
      return Fail(ErrorCode::kInternal, "the operation was not driven to its end");
    }
    if (!secrets.front()) {
      return tl::unexpected(std::move(secrets.front()).error());
    }
    const ByteView key = secrets.front()->value.Reveal();
    ROWSEAL_TRY(CheckKey(name_, key));
    return SignatureOf(scheme_, key, body_.Reveal());
  }

 private:
  const SecretName name_;
  const WebhookScheme scheme_;
  const SecretBytes body_;
  GetOperation get_;
};

}  // namespace

Result<StartedCall<WebhookVerdict>> StartVerifyWebhook(Client& client, const ProjectId& project,
                                                       const SecretName& name, WebhookScheme scheme,
                                                       SecretBytes body,
                                                       const std::vector<std::string>& signatures,
                                                       std::chrono::seconds overlap,
                                                       const Access& access) {
  if (overlap < std::chrono::seconds(0) || overlap > kMaxOverlap) {
    return Fail(ErrorCode::kInvalidArgument, "an overlap is zero to 30 days");
  }
  ROWSEAL_ASSIGN(Access complete, ClientInside::SessionOf(client).Complete(access));
  return StartedCall<WebhookVerdict>(std::make_unique<VerifyBody>(
      ClientInside::SessionOf(client), project, name, std::move(scheme), std::move(body),
      signatures, overlap, std::move(complete)));
}

Result<StartedCall<std::string>> StartSignWebhook(Client& client, const ProjectId& project,
                                                  const SecretName& name, WebhookScheme scheme,
                                                  SecretBytes body, const Access& access) {
  ROWSEAL_ASSIGN(Access complete, ClientInside::SessionOf(client).Complete(access));
  return StartedCall<std::string>(std::make_unique<SignBody>(ClientInside::SessionOf(client),
                                                             project, name, std::move(scheme),
                                                             std::move(body), std::move(complete)));
}

}  // namespace rowseal
