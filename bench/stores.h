#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <rowseal/rowseal.h>

namespace rowseal::bench {

/// What the measures on stores share: a store's options, and the names in it.

template <class T>
T Must(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

/// A store in the folder, or on the server that ROWSEAL_BENCH_STORE names; the root's key is in the
/// folder either way.
inline StoreOptions OptionsFor(const std::string& folder) {
  StoreOptions options;
  const char* server = std::getenv("ROWSEAL_BENCH_STORE");
  options.store = server != nullptr ? server : "sqlite:" + folder + "/secrets.db";
  options.roots = {"file:" + folder + "/root.key"};
  options.client.actor = "bench";
  return options;
}

inline ProjectId ProjectNumber(int number) {
  return Must(ProjectId::Parse("project-" + std::to_string(number)));
}

inline SecretName SecretNumber(int number) {
  return Must(SecretName::Parse("secret-" + std::to_string(number)));
}

}  // namespace rowseal::bench
