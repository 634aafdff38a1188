#pragma once

#include <mutex>

#include <rowseal/client.h>

#include "client/session.h"

namespace rowseal {

/// ClientInside reaches what a Client keeps to itself. This header is not installed, and
/// scripts/check-layers.py says who may include it: what wants to read or change a store includes
/// client/change.h, which locks and checks.
class ClientInside final {
 public:
  static Session& SessionOf(Client& client) noexcept;
  /// ConnectionOf is to be used by one thread at a time: under LockOf.
  static Connection& ConnectionOf(Client& client) noexcept;
  static std::unique_lock<std::mutex> LockOf(Client& client);
};

}  // namespace rowseal
