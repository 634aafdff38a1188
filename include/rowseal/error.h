#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace rowseal {

/// ErrorCode names the caller's next action. The list is closed: a new code is a breaking change.
/// `ExitCode` gives the exit status the command-line program uses for each.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,    ///< Fix the input; the call can never succeed as it is.
  kNotFound,           ///< The named project, secret, version or label does not exist.
  kConflict,           ///< Somebody else's value stands there; look at it, then decide.
  kPartial,            ///< Some items failed; each is named, the others are done.
  kIntegrity,          ///< A stored byte is wrong. Do not retry; restore that row from a backup.
  kUnavailable,        ///< The store or a provider did not answer; retry the call.
  kResourceExhausted,  ///< Disk, memory or quota is full; make room, then retry.
  kOverloaded,         ///< Too many calls are under way; slow down, then retry the call.
  kInDoubt,            ///< The outcome of a commit is unknown; read, then decide.
  kRootKeyMissing,     ///< Supply the root key that the store was made with.
  kRootKeyMalformed,   ///< The root key's text is damaged or of another encoding; supply the real
                       ///< one.
  kRootKeyExposed,     ///< Others can read the root key file; tighten its mode.
  kRootKeyMismatch,    ///< A well-formed root key, but not this store's.
  kRefusedByState,     ///< A key's state or a reference forbids it; change the state first.
  kNewerSchema,        ///< The store was upgraded by a newer release; upgrade this program.
  kOlderSchema,        ///< The store is of an older format; run `rowseal upgrade`.
  kCancelled,          ///< You ended the call before its outcome; nothing is to be done.
  kRandomFailure,      ///< The random generator failed; nothing was sealed. Check the machine.
  kInternal,           ///< A bug in Rowseal; report it.
};

/// ErrorName returns the stable lower-case name of `code`, for example `not_found`.
std::string_view ErrorName(ErrorCode code) noexcept;

/// ExitCode returns the exit status that the command-line program uses for `code` (1 to 7).
int ExitCode(ErrorCode code) noexcept;

/// Error says what failed, on which object, and what to do next. Never holds a secret or a key.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  ///< What failed and on which object.
  std::string hint;     ///< What to do next; may be empty.
};

/// Result holds a value or an Error. No exception crosses Rowseal's interface.
template <class T>
using Result = tl::expected<T, Error>;

/// Fail makes the error side of a Result.
[[nodiscard]] inline tl::unexpected<Error> Fail(ErrorCode code, std::string message,
                                                std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(hint)});
}

/// CaughtException makes an error of the exception that is being handled: kResourceExhausted where
/// no memory was given, else kInternal. It is for `catch (...)` where a call or a thread ends:
/// nothing of Rowseal throws, but a library below may, and what leaves a thread ends the process.
/// What the exception says is not repeated, because nobody has checked what it holds.
Error CaughtException() noexcept;

}  // namespace rowseal

/// ROWSEAL_TRY evaluates a Result and returns its error from the enclosing function.
#define ROWSEAL_TRY(expression)                                                       \
  do {                                                                                \
    if (auto rowseal_try_result = (expression); !rowseal_try_result) {                \
      return tl::unexpected<::rowseal::Error>(std::move(rowseal_try_result).error()); \
    }                                                                                 \
  } while (false)

#define ROWSEAL_CONCAT_INNER(a, b) a##b
#define ROWSEAL_CONCAT(a, b) ROWSEAL_CONCAT_INNER(a, b)

/// ROWSEAL_ASSIGN declares or assigns `target` from a Result, or returns its error.
#define ROWSEAL_ASSIGN(target, expression) \
  ROWSEAL_ASSIGN_INNER(ROWSEAL_CONCAT(rowseal_result_, __LINE__), target, expression)
#define ROWSEAL_ASSIGN_INNER(result, target, expression)                \
  auto result = (expression);                                           \
  if (!(result)) {                                                      \
    return tl::unexpected<::rowseal::Error>(std::move(result).error()); \
  }                                                                     \
  target = std::move(*(result))
