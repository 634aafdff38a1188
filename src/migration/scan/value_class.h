#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <rowseal/bytes.h>

namespace rowseal {

// What a value looks like by itself: nothing here reads a database, and nothing keeps a value. It
// is guessing: it decides what a manifest proposes, never what may be read or changed.

/// Shape is the form of a value, as far as it can be seen without knowing what it is for.
enum class Shape : std::uint8_t {
  // Secrets by their form.
  kGithubToken,
  kGitlabToken,
  kStripeKey,
  kSlackToken,
  kAwsKeyId,
  kGoogleKey,
  kOpenAiKey,
  kWebhookSecret,
  kServiceToken,  ///< of one of many services that mark their tokens
  kJwt,
  kPrivateKey,
  kAuthorization,    ///< `Bearer …`, `Basic …`
  kUrlWithPassword,  ///< `scheme://user:password@…`
  kUrlWithToken,     ///< in its query, or where chat services have it in their webhooks
  kOtpUrl,
  kTextWithSecret,  ///< a longer text, one of the above in it
  // Random characters: keys, but hashes, ids and cursors too.
  kAwsSecretKey,
  kBase32,
  kHex,
  kBase64,
  kRandom,
  kRandomBytes,
  // What a password may look like.
  kOpaque,
  kBase64Text,
  // Protected already.
  kSealed,     ///< by Rowseal, or what it leaves of a moved value
  kGcmCipher,  ///< `hex:hex:hex`, as programs over node:crypto write it
  kCbcCipher,  ///< `hex:hex`
  kPrefixedCipher,
  kOpenSslCipher,
  kOtherCipher,
  kPasswordHash,
  // A template's reference to a secret, such as `{{secrets.NAME}}`.
  kReference,
  // Everything else.
  kUuid,
  kNumber,  ///< also dates, versions, addresses and phone numbers
  kEmail,
  kUrl,
  kSentence,
  kWord,
  kPublicKey,
  kData,  ///< an image or another file
  kJson,
  kBinary,
};
inline constexpr std::size_t kShapeCount = static_cast<std::size_t>(Shape::kBinary) + 1;

/// ShapeGroup says what a shape means for a proposal.
enum class ShapeGroup : std::uint8_t {
  kSecret,      ///< whatever the column is called
  kRandom,      ///< a secret where the name says so
  kOpaque,      ///< the same, with less weight
  kSealed,      ///< by Rowseal
  kCiphertext,  ///< by something else
  kHashed,      ///< a password's hash, which is no secret to move
  kReference,
  kOrdinary,
};

ShapeGroup GroupOf(Shape shape) noexcept;

/// NameOf names a shape for a comment, as `GitHub token`.
std::string_view NameOf(Shape shape) noexcept;

/// ClassifyValue gives the shape of a value that is not empty; of a long one the first 4 KiB are
/// enough. Bytes that are no UTF-8 are kRandomBytes or kBinary. Cost: linear.
Shape ClassifyValue(ByteView value) noexcept;

/// LooksLikeJsonDocument tells whether a text begins as an object or array of JSON does.
bool LooksLikeJsonDocument(std::string_view text) noexcept;

/// MaskedValue shows so much of a value that its owner recognises it: the first two and last two
/// characters of a text of over 12, else how long it is.
std::string MaskedValue(ByteView value);

}  // namespace rowseal
