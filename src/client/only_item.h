#pragma once

#include <utility>
#include <vector>

#include <rowseal/error.h>

namespace rowseal {

/// OnlyItem gives the outcome of a batch of one.
template <class T>
Result<T> OnlyItem(Result<std::vector<Result<T>>> items) {
  if (!items) {
    return tl::unexpected(std::move(items).error());
  }
  return std::move(items->front());
}

}  // namespace rowseal
