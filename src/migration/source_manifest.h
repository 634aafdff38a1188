#pragma once

#include <map>
#include <optional>
#include <string>

#include <rowseal/error.h>

#include "migration/source_format.h"
#include "migration/source_key.h"

namespace rowseal {

/// ValueSource is what a manifest says of an old column: how it was written, and where its key is.
struct ValueSource {
  SourceFormat format;
  std::optional<SourceKey> key;  ///< plain columns have none
};

/// ParseSource reads the flat keys of a manifest, and no file. A key that is unknown, or that says
/// nothing in this format, is refused: left unread, it would be a wish that nobody fulfils. Errors:
/// kInvalidArgument, naming the key and what may stand there.
///
///     format = node-gcm | aes-256-cbc | openssl | plain
///     prefix, without_prefix = refuse | plain
///     encoding = hex | base64 | base64url | raw, or for each part: iv=hex,ciphertext=base64
///     layout = iv:tag:ciphertext (as it looks), separator (where it is not what stands there)
///     json = iv=iv,tag=authTag,ciphertext=data, in place of a layout
///     iv_bytes = 12 | 16, aad
///     kdf = md5 | sha256 | pbkdf2, iterations
///     key = file:PATH | env:NAME, key_encoding = hex | base64 | base64url | raw | utf8
///     key_hash = none | sha256 | sha256-hex | sha256-base64 | scrypt, salt
///     content = text | bytes, min_bytes, max_bytes, starts_with = A,B
///     shape = printable | hex | base64url | uuid | jwt
Result<ValueSource> ParseSource(const std::map<std::string, std::string>& manifest);

}  // namespace rowseal
