#include "roots/https_post.h"

#include <string_view>

#ifdef ROWSEAL_HAS_CURL
#include <dlfcn.h>

#include <memory>

#include <curl/curl.h>
#endif

#include "base/encoding.h"
#include "memory/wipe.h"

namespace rowseal {

#ifndef ROWSEAL_HAS_CURL

Result<HttpsAnswer> PostSigned(const HttpsRequest& /*request*/,
                               const AwsCredentials& /*credentials*/) {
  return Fail(ErrorCode::kInvalidArgument, "this build has no aws-kms: roots: it has no libcurl",
              "build with libcurl's headers (libcurl4-openssl-dev), or use an exec: root");
}

#else

namespace {

constexpr std::size_t kMaxAnswer = 16 * 1024;  // bytes; KMS answers with less than 8 KiB

// libcurl's functions, by name; their types are the header's.
struct Curl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_setopt) setopt = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_getinfo) getinfo = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_easy_strerror) strerror = nullptr;
  decltype(&curl_slist_append) append = nullptr;
  decltype(&curl_slist_free_all) free_list = nullptr;
  std::string failure;  // why it cannot be used; empty when it can
};

template <class Function>
void Find(void* library, const char* name, Function& function, Curl& curl) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) {
    curl.failure = std::string("libcurl has no ") + name;
  }
}

Curl Load() {
  Curl curl;
  // Node.js exports the symbols of its own OpenSSL; libcurl's TLS would run on those.
  if (dlsym(RTLD_DEFAULT, "napi_create_function") != nullptr) {
    curl.failure = "inside Node.js no TLS library can be loaded beside Node's own";
    return curl;
  }
  void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    curl.failure = "libcurl.so.4 is not installed";
    return curl;
  }
  Find(library, "curl_global_init", curl.global_init, curl);
  Find(library, "curl_easy_init", curl.easy_init, curl);
  Find(library, "curl_easy_setopt", curl.setopt, curl);
  Find(library, "curl_easy_perform", curl.perform, curl);
  Find(library, "curl_easy_getinfo", curl.getinfo, curl);
  Find(library, "curl_easy_cleanup", curl.cleanup, curl);
  Find(library, "curl_easy_strerror", curl.strerror, curl);
  Find(library, "curl_slist_append", curl.append, curl);
  Find(library, "curl_slist_free_all", curl.free_list, curl);
  if (curl.failure.empty() && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    curl.failure = "libcurl does not start";
  }
  return curl;
}

const Curl& Library() {
  static const Curl curl = Load();
  return curl;
}

bool IsLoopback(std::string_view url) {
  for (const std::string_view host : {"http://127.0.0.1:", "http://[::1]:", "http://localhost:"}) {
    if (url.starts_with(host)) {
      return true;
    }
  }
  return false;
}

struct Received {
  SecretBuffer* body;
  bool too_much = false;
};

std::size_t Receive(char* data, std::size_t /*one*/, std::size_t size, void* place) {
  auto& received = *static_cast<Received*>(place);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(data);
  received.too_much = !received.body->Append(ByteView(bytes, size)).has_value();
  return received.too_much ? 0 : size;
}

std::string HostOf(std::string_view url) {
  const std::size_t start = url.find("://") + 3;
  return std::string(url.substr(start, url.find('/', start) - start));
}

}  // namespace

Result<HttpsAnswer> PostSigned(const HttpsRequest& request, const AwsCredentials& credentials) {
  const Curl& curl = Library();
  if (!curl.failure.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "aws-kms: roots do not work here: " + curl.failure,
                "install libcurl4, or use an exec: root");
  }
  const bool loopback = IsLoopback(request.url);
  if (!loopback && !request.url.starts_with("https://")) {
    return Fail(ErrorCode::kInvalidArgument, "an endpoint of aws-kms: begins with https://",
                "plain http:// is for 127.0.0.1, [::1] and localhost");
  }
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl.easy_init(), curl.cleanup);
  ROWSEAL_ASSIGN(SecretBuffer body, SecretBuffer::Create(kMaxAnswer));
  Received received{&body};
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) {
    list = curl.append(list, (name + ": " + value).c_str());
  }
  if (!credentials.session_token.empty()) {
    list = curl.append(list, ("X-Amz-Security-Token: " + credentials.session_token).c_str());
  }
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, curl.free_list);
  if (handle == nullptr || headers == nullptr) {
    return Fail(ErrorCode::kResourceExhausted, "no memory for a request");
  }
  CURL* const easy = handle.get();
  const std::string signature = "aws:amz:" + request.region + ":" + request.service;
  std::string secret(AsText(credentials.secret_key.Reveal()));
  curl.setopt(easy, CURLOPT_URL, request.url.c_str());
  curl.setopt(easy, CURLOPT_PROTOCOLS_STR, loopback ? "http,https" : "https");
  curl.setopt(easy, CURLOPT_NOSIGNAL, 1L);  // threads
  curl.setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl.setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl.setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl.setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl.setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl.setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.deadline.count()));
  curl.setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.deadline.count()));
  curl.setopt(easy, CURLOPT_AWS_SIGV4, signature.c_str());
  curl.setopt(easy, CURLOPT_USERNAME, credentials.access_key.c_str());
  curl.setopt(easy, CURLOPT_PASSWORD, secret.c_str());
  curl.setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl.setopt(easy, CURLOPT_POSTFIELDS, AsText(request.body).data());
  curl.setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  curl.setopt(easy, CURLOPT_WRITEFUNCTION, &Receive);
  curl.setopt(easy, CURLOPT_WRITEDATA, &received);
  if (loopback) {
    curl.setopt(easy, CURLOPT_NOPROXY, "*");
  }
  const CURLcode done = curl.perform(easy);
  Wipe(std::span(reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()));
  if (received.too_much) {
    return Fail(ErrorCode::kUnavailable,
                Printable(HostOf(request.url)) + " answered with more than 16 KiB",
                "look at what answers there");
  }
  if (done != CURLE_OK) {
    return Fail(ErrorCode::kUnavailable,
                Printable(HostOf(request.url)) + " cannot be asked: " + curl.strerror(done),
                "look at the network and the service, then retry");
  }
  HttpsAnswer answer;
  curl.getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = std::move(body).Take();
  return answer;
}

#endif

}  // namespace rowseal
