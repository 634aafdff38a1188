#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rowseal/rowseal.h>

namespace rowseal::testing {

/// Outcome is what a call gave, as text: the same text for the same outcome.
inline std::string Outcome(ErrorCode code) { return std::string(ErrorName(code)); }
/// Of an error that no test provokes, the message belongs to it: a failure then says why.
inline std::string Outcome(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kIntegrity:
    case ErrorCode::kInDoubt:
    case ErrorCode::kInternal:
      return Outcome(error.code) + ": " + error.message;
    default:
      return Outcome(error.code);
  }
}
inline std::string Outcome(SecretVersion version) { return "@" + std::to_string(version.value); }
inline std::string Outcome(const Result<void>& result) {
  return result ? "done" : Outcome(result.error());
}
inline std::string Outcome(const Result<StoredSecret>& result) {
  return result ? Outcome(result->version) : Outcome(result.error());
}
inline std::string Outcome(const Result<std::string>& result) {
  return result ? "'" + *result + "'" : Outcome(result.error());
}
inline std::string Outcome(const Result<RotationReport>& result) {
  return result ? "kek " + std::to_string(result->new_kek.value) + " " +
                      std::to_string(result->failures.size()) + " failed"
                : Outcome(result.error());
}
inline std::string Outcome(const Result<std::vector<Result<StoredSecret>>>& batch) {
  if (!batch) {
    return Outcome(batch.error());
  }
  std::string text;
  for (const Result<StoredSecret>& item : *batch) {
    text += Outcome(item) + " ";
  }
  return text;
}

}  // namespace rowseal::testing
