#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <rowseal/bytes.h>
#include <rowseal/error.h>
#include <rowseal/secret_bytes.h>

namespace rowseal {

/// ProgramLimits bound what another program may take.
struct ProgramLimits {
  std::chrono::milliseconds deadline{3000};
  std::size_t output_bytes = 3072;
};

struct ProgramOutcome {
  SecretBytes output;
  int status = 0;  ///< exit status, or 128 and the signal that ended it
};

/// RunProgram starts the program at an absolute path without a shell and without arguments, gives
/// it `input` on stdin, and takes what it writes to stdout. Input and output pass through pipes and
/// guarded memory only. The program leads a process group of its own, which is killed when it ends
/// or the deadline is over, so nothing of it stays behind. Its stderr is this process's. Its
/// environment is this process's without `ROWSEAL_…` and without root keys.
///
/// `input` has at most 4,096 bytes: it is in the pipe before the program starts, so a program that
/// does not read it hangs and kills nobody. Errors: kUnavailable (it did not start, took too long,
/// wrote too much), kInvalidArgument (`input` is too long).
Result<ProgramOutcome> RunProgram(const std::string& path, ByteView input,
                                  const ProgramLimits& limits);

}  // namespace rowseal
