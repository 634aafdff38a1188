#include "support/kms_server.h"
#include "support/paths.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace rowseal::testing {

KmsServer::KmsServer() {
  const std::string script = ROWSEAL_SOURCE_DIR "/tests/support/kms_server.py";
  process_ = std::make_unique<ChildProcess>([&] {
    execl("/usr/bin/python3", "python3", script.c_str(), folder_.path().c_str(),
          std::string(kArn).c_str(), "eu-central-1", nullptr);
  });
  const std::string port = folder_ / "port";
  if (!process_->Await([&] { return std::filesystem::exists(port); })) {
    throw std::runtime_error("kms_server.py does not start: is python3-cryptography installed?");
  }
  setenv("AWS_ENDPOINT_URL_KMS", ("http://127.0.0.1:" + ReadFile(port)).c_str(), 1);
  setenv("AWS_ACCESS_KEY_ID", "AKIDTEST", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "test secret key", 1);
  unsetenv("AWS_SESSION_TOKEN");
}

void KmsServer::SetMode(std::string_view mode) const {
  const std::string path = folder_ / "mode";
  std::filesystem::remove(path);
  WriteFile(path, mode);
}

int KmsServer::Requests() const {
  const std::string path = folder_ / "requests";
  if (!std::filesystem::exists(path)) {
    return 0;
  }
  const std::string lines = ReadFile(path);
  return static_cast<int>(std::count(lines.begin(), lines.end(), '\n'));
}

}  // namespace rowseal::testing
