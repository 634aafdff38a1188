#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/secret_bytes.h>
#include <rowseal/started_call.h>

namespace rowseal {

/// Webhook signatures: an HMAC under a secret of the store over a body's raw bytes. The secret is
/// used without being released: it stays in guarded memory and goes with the call.
///
/// The secret's bytes are the key, as they are stored. A secret with which anybody could sign is
/// rejected (kRefusedByState): an empty one, one of zero bytes or white space, and `whsec_` with
/// nothing after it. Short ones are accepted, because the sender chooses them; take 32 random bytes
/// where you choose (RFC 2104 section 3: not shorter than the hash).

enum class WebhookHash : std::uint8_t { kSha256, kSha1, kSha512 };
enum class WebhookEncoding : std::uint8_t { kHex, kBase64 };

/// WebhookScheme says how a signature is written. The default is GitHub's `X-Hub-Signature-256`.
/// SHA-1 stands here for senders that know nothing else.
struct WebhookScheme {
  WebhookHash hash = WebhookHash::kSha256;
  WebhookEncoding encoding = WebhookEncoding::kHex;  ///< lower-case hex, or padded base64
  std::string prefix = "sha256=";
};

/// kMaxOverlap is the longest time for which a replaced secret may be accepted: 30 days.
inline constexpr std::chrono::seconds kMaxOverlap = std::chrono::days(30);

/// WebhookVerdict says whether a signature is the body's, and by which version of the secret. Where
/// it is not, `reason` is `missing`, `duplicate`, `malformed` or `mismatch`, and `hint` says what
/// is often the cause.
struct WebhookVerdict {
  bool valid = false;
  SecretVersion version;
  std::string reason;
  std::string hint;
};

/// StartVerifyWebhook checks a body's signature in constant time. `signatures` are all values of
/// the header: none, an empty one and several are refused without asking the store. The version
/// before the newest is accepted for `overlap` after the newest was stored; zero: never. Errors:
/// those of a get of the secret, kInvalidArgument (`overlap`), kRefusedByState (an empty secret; an
/// empty one that was replaced is never accepted).
Result<StartedCall<WebhookVerdict>> StartVerifyWebhook(Client& client, const ProjectId& project,
                                                       const SecretName& name, WebhookScheme scheme,
                                                       SecretBytes body,
                                                       const std::vector<std::string>& signatures,
                                                       std::chrono::seconds overlap = {},
                                                       const Access& access = {});

/// StartSignWebhook gives a body's signature by the newest version, prefix included. Errors: those
/// of a get of the secret, kRefusedByState (an empty secret).
Result<StartedCall<std::string>> StartSignWebhook(Client& client, const ProjectId& project,
                                                  const SecretName& name, WebhookScheme scheme,
                                                  SecretBytes body, const Access& access = {});

}  // namespace rowseal
