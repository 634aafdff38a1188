#pragma once

#include <rowseal/error.h>
#include <rowseal/ids.h>

#include "client/session.h"
#include "store/calls/call.h"
#include "store/calls/secret_version_read.h"

namespace rowseal {

/// What was written last is told from an older row by a MAC that stands beside it. Whoever writes
/// over a row compares first: an older row that was put back would become what was written last.

/// CheckLastWritten compares a row with its MAC, or says that there is none. Errors: kIntegrity.
Result<void> CheckLastWritten(const Session& session, const ProjectId& project,
                              const SecretName& name, const SecretHead& head);
Result<void> CheckLastWritten(const Session& session, const ProjectId& project,
                              const StoredVersion& version);

/// WrittenAs gives the head's next write, with the MAC of it: `head` holds what is to stand then,
/// and the write before; none: the secret is new.
Result<LastWrite> WrittenAs(const Session& session, const ProjectId& project,
                            const SecretName& name, const SecretHead& head);

/// CheckProof compares what `what` names with the MAC beside it, where there is one.
template <class Written>
Result<void> CheckProof(const Session& session, const std::optional<LastWrite>& written,
                        Written row, const std::string& what) {
  if (!written) {
    return Fail(
        ErrorCode::kIntegrity, what + " has no MAC: nothing proves that it was written last",
        "run `rowseal verify`, then restore it from a backup, or delete the secret and put it"
        " anew");
  }
  row.write_count = written->count;
  return session.integrity()->CheckLastWrite(row, written->mac, what);
}

}  // namespace rowseal
