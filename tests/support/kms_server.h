#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "support/child_process.h"
#include "support/test_store.h"

namespace rowseal::testing {

/// KmsServer is a small AWS KMS of this test's (kms_server.py), and sets the variables of the
/// environment by which aws-kms: roots find it and sign.
class KmsServer final {
 public:
  static constexpr std::string_view kArn =
      "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

  KmsServer();

  /// SetMode changes how it answers: `ok`, `throttle N`, `error`, `slow MS`, `down`, `disabled`,
  /// `other-key`.
  void SetMode(std::string_view mode) const;

  /// Requests counts those that were answered.
  int Requests() const;

  std::string uri() const { return "aws-kms:" + std::string(kArn); }

 private:
  TempFolder folder_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace rowseal::testing
