#pragma once

#include <napi.h>

namespace rowseal::node {

/// AddonData is what one JavaScript environment (the main thread, or a worker_threads one) holds.
struct AddonData {
  Napi::FunctionReference call_class;
};

}  // namespace rowseal::node
