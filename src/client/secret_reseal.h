#pragma once

#include <optional>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/connection.h>

#include "client/active_dek.h"
#include "client/last_writes.h"
#include "client/sealing.h"
#include "client/session.h"
#include "store/calls/secret_reseal.h"
#include "store/calls/secret_version_read.h"

namespace rowseal {

/// ContextOf is what a stored version is bound to.
Bytes ContextOf(const Session& session, const ProjectId& project, const StoredVersion& version);

/// OpenDekOf opens the DEK of a version read in the open transaction, to seal the version again or
/// to look at it: OpenFor::kReseal. The trusted set is to be of the same moment or a later one.
/// Errors: kIntegrity, kRefusedByState.
Result<std::shared_ptr<const Dek>> OpenDekOf(Session& session, const StoredVersion& version);

/// OpenUnder opens a version with its DEK, whatever its expiry. Errors: kIntegrity.
Result<SecretBytes> OpenUnder(const Dek& dek, const Session& session, const ProjectId& project,
                              const StoredVersion& version);

/// OpenStored is OpenDekOf, OpenUnder and CheckLastWritten.
Result<SecretBytes> OpenStored(Session& session, const ProjectId& project,
                               const StoredVersion& version);

/// SealAgain opens `old`, seals its value in memory for what `changed` is bound to, under the
/// active DEK, and opens that again to compare. Errors: OpenStored's, kRandomFailure, kInternal
/// (the machine changed a byte).
Result<SecretReseal::Item> SealAgain(Session& session, const ProjectId& project,
                                     const StoredVersion& old, const StoredVersion& changed,
                                     const ActiveDekOperation::Active& active);

/// Rename and expire change what a version is bound to, so they open and seal again, inside one
/// write transaction, with new MACs. Errors: kNotFound, kConflict, kIntegrity.
Result<void> RenameSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const SecretName& new_name, const Access& access);
Result<void> ExpireSecret(Client& client, const ProjectId& project, const SecretName& name,
                          std::optional<SecretVersion> version, std::optional<Timestamp> expires_at,
                          const Access& access);

/// DeleteSecret removes a secret and its versions in one transaction.
Result<void> DeleteSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const Access& access);

}  // namespace rowseal
