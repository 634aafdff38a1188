#include "roots/aws_kms_root.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"
#include "envelope/field_writer.h"
#include "memory/secret_encoding.h"
#include "roots/https_post.h"
#include "roots/json_strings.h"

namespace rowseal {
namespace {

constexpr std::size_t kMaxWrapped = 3072;  // bytes; KMS gives about 180 for 32

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): as env: roots do
  return value == nullptr ? std::string() : std::string(value);
}

bool IsPlain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<AwsCredentials> ReadCredentials() {
  AwsCredentials credentials;
  credentials.access_key = Environment("AWS_ACCESS_KEY_ID");
  credentials.session_token = Environment("AWS_SESSION_TOKEN");
  const char* const secret = std::getenv("AWS_SECRET_ACCESS_KEY");  // NOLINT(concurrency-mt-unsafe)
  if (credentials.access_key.empty() || secret == nullptr || *secret == '\0') {
    return Fail(ErrorCode::kRootKeyMissing, "there are no credentials for an aws-kms: root",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN); roles of"
                " machines and containers go through an exec: root");
  }
  ROWSEAL_ASSIGN(credentials.secret_key, SecretBytes::CopyOf(AsBytes(secret)));
  return credentials;
}

Result<SecretBytes> StringOf(const HttpsAnswer& answer, std::string_view member) {
  Result<SecretBytes> text = JsonString(answer.body.Reveal(), member);
  if (!text && text.error().code == ErrorCode::kInvalidArgument) {
    return Fail(ErrorCode::kUnavailable, "AWS KMS answered without " + std::string(member),
                "retry");
  }
  return text;
}

std::string TypeOf(const HttpsAnswer& answer) {
  const Result<SecretBytes> type = StringOf(answer, "__type");
  if (!type) {
    return {};
  }
  const std::string_view text = AsText(type->Reveal());
  const std::size_t hash = text.rfind('#');  // `com.amazonaws.kms#DisabledException`
  return Printable(hash == std::string_view::npos ? text : text.substr(hash + 1));
}

bool IsOneOf(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::ranges::find(types, type) != types.end();
}

// What KMS refused, by what the caller can do about it. Its message is not repeated.
Error FromAnswer(const HttpsAnswer& answer, const std::string& uri) {
  const std::string type = TypeOf(answer);
  const std::string said = "AWS KMS answered " + std::to_string(answer.status) +
                           (type.empty() ? "" : " " + type) + " for " + Printable(uri);
  if (IsOneOf(type, {"InvalidCiphertextException", "IncorrectKeyException"})) {
    return {ErrorCode::kIntegrity,
            "the sealed bytes do not open: wrong key, wrong context or a changed byte",
            {}};
  }
  if (IsOneOf(type,
              {"DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException"})) {
    return {ErrorCode::kRefusedByState, said,
            "enable the key, or cancel its deletion; another root of the store would stand in"};
  }
  const bool passing =
      answer.status >= 500 || answer.status == 429 ||
      IsOneOf(type, {"ThrottlingException", "LimitExceededException", "RequestLimitExceeded",
                     "DependencyTimeoutException", "KMSInternalException",
                     "KeyUnavailableException", "RequestTimeoutException"});
  if (passing) {
    return {ErrorCode::kUnavailable, said, "retry"};
  }
  return {ErrorCode::kRootKeyMissing, said,
          "look at the credentials, their permissions (kms:Encrypt, kms:Decrypt) and the ARN"};
}

}  // namespace

Result<std::shared_ptr<const AwsKmsRoot>> AwsKmsRoot::Create(std::string_view arn,
                                                             std::chrono::milliseconds deadline) {
  // arn:PARTITION:kms:REGION:ACCOUNT:key/ID
  const std::vector<std::string_view> parts = Split(arn, ":");
  const bool is_key = parts.size() == 6 && parts[0] == "arn" && IsPlain(parts[1]) &&
                      parts[2] == "kms" && IsPlain(parts[3]) && IsPlain(parts[4]) &&
                      parts[5].starts_with("key/") && IsPlain(parts[5].substr(4));
  if (!is_key) {
    return Fail(
        ErrorCode::kInvalidArgument, "an aws-kms: root names no key's ARN",
        "write aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID; an alias may be pointed at another"
        " key later, so it does not serve");
  }
  ROWSEAL_ASSIGN(
      const Mac hash,
      Sha256(
          FieldWriter("rowseal/v1/fingerprint").Add(std::string_view("aws-kms")).Add(arn).bytes()));
  return std::shared_ptr<const AwsKmsRoot>(
      new AwsKmsRoot(std::string(arn), std::string(parts[3]),
                     parts[1] == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com",
                     Bytes(hash.begin(), hash.end()), deadline));
}

Result<SecretBytes> AwsKmsRoot::Ask(std::string_view action, std::string_view member, ByteView data,
                                    ByteView context, std::string_view wanted) const {
  ROWSEAL_ASSIGN(const AwsCredentials credentials, ReadCredentials());
  ROWSEAL_ASSIGN(const Mac bound, Sha256(FieldWriter("rowseal/v1/aws-kms").Add(context).bytes()));
  const std::string opening = "{\"KeyId\":\"" + arn_ + "\",\"EncryptionContext\":{\"rowseal\":\"" +
                              ToHex(bound) + "\"},\"" + std::string(member) + "\":\"";
  ROWSEAL_ASSIGN(
      SecretBuffer body,
      SecretBuffer::Create(opening.size() + Base64Size(Base64::kPadded, data.size()) + 2));
  ROWSEAL_TRY(body.Append(AsBytes(opening)));
  ROWSEAL_TRY(AppendBase64(Base64::kPadded, data, body));
  ROWSEAL_TRY(body.Append(AsBytes("\"}")));
  const std::string endpoint = Environment("AWS_ENDPOINT_URL_KMS");
  HttpsRequest request;
  request.url = (endpoint.empty() ? "https://kms." + region_ + "." + domain_ : endpoint) + "/";
  request.headers = {{"Content-Type", "application/x-amz-json-1.1"},
                     {"X-Amz-Target", "TrentService." + std::string(action)}};
  request.body = body.Reveal();
  request.region = region_;
  request.service = "kms";
  request.deadline = deadline_;
  ROWSEAL_ASSIGN(const HttpsAnswer answer, PostSigned(request, credentials));
  if (answer.status != 200) {
    return tl::unexpected(FromAnswer(answer, uri_));
  }
  ROWSEAL_ASSIGN(const SecretBytes key, StringOf(answer, "KeyId"));
  if (AsText(key.Reveal()) != arn_) {
    return Fail(ErrorCode::kIntegrity, "AWS KMS answered for another key than " + Printable(uri_),
                "look at what answers at the endpoint");
  }
  ROWSEAL_ASSIGN(const SecretBytes text, StringOf(answer, wanted));
  return SecretFromBase64(Base64::kPadded, AsText(text.Reveal()));
}

Result<Bytes> AwsKmsRoot::Wrap(const SecretBytes& wrapping_secret, ByteView context) const {
  if (wrapping_secret.size() != kKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "a wrapping secret has 32 bytes");
  }
  ROWSEAL_ASSIGN(const SecretBytes wrapped,
                 Ask("Encrypt", "Plaintext", wrapping_secret.Reveal(), context, "CiphertextBlob"));
  const ByteView bytes = wrapped.Reveal();
  if (bytes.size() <= kKeySize || bytes.size() > kMaxWrapped) {
    return Fail(ErrorCode::kUnavailable, "AWS KMS answered with no ciphertext", "retry");
  }
  return Bytes(bytes.begin(), bytes.end());
}

Result<SecretBytes> AwsKmsRoot::Unwrap(ByteView wrapped, ByteView context) const {
  if (wrapped.empty() || wrapped.size() > kMaxWrapped) {
    return Fail(ErrorCode::kIntegrity,
                "the sealed bytes do not open: wrong key, wrong context or a changed byte");
  }
  ROWSEAL_ASSIGN(SecretBytes secret,
                 Ask("Decrypt", "CiphertextBlob", wrapped, context, "Plaintext"));
  if (secret.size() != kKeySize) {
    return Fail(ErrorCode::kIntegrity, "AWS KMS gave another size than a wrapping secret has");
  }
  return secret;
}

}  // namespace rowseal
