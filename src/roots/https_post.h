#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// AwsCredentials are what requests are signed with; none of them reaches a log, an error or argv.
struct AwsCredentials {
  std::string access_key;
  SecretBytes secret_key;
  std::string session_token;  ///< may be empty
};

struct HttpsRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  ByteView body;
  std::string region;  ///< of the signature, with `service`
  std::string service;
  std::chrono::milliseconds deadline{3000};
};

struct HttpsAnswer {
  long status = 0;
  SecretBytes body;
};

/// PostSigned posts a request with an AWS signature, version 4, over TLS whose certificate is
/// verified; plain HTTP is for loopback addresses only. It follows no redirect, uses no proxy for
/// loopback, and takes at most 16 KiB of answer, into guarded memory.
///
/// libcurl does the work. It is loaded at the first call, so that programs which have no such root
/// pay nothing for it at their start. Errors: kUnavailable (no connection, no answer in time, TLS),
/// kInvalidArgument (the build or the machine has no libcurl; the URL; a process that brings an
/// OpenSSL of its own, which libcurl's would run on).
Result<HttpsAnswer> PostSigned(const HttpsRequest& request, const AwsCredentials& credentials);

}  // namespace rowseal
