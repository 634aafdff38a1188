#pragma once

#include <optional>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/connection.h>

#include "client/active_dek.h"
#include "client/sealing.h"
#include "client/session.h"

namespace rowseal {

/// StoredVersion is one row of secret_version with its secret's head and its DEK.
struct StoredVersion {
  SecretId secret;
  SecretName name;
  SecretKind kind = SecretKind::kWorkflow;
  SecretVersion version;
  std::optional<Timestamp> expires_at;
  Bytes nonce;
  Bytes encrypted_data;
  DekAndKek dek;
};

/// ReadStoredVersion reads the columns s.id, s.name, s.kind, v.version, v.expires_at, v.nonce,
/// v.encrypted_data and the DEK columns. Errors: kIntegrity.
Result<StoredVersion> ReadStoredVersion(const ProjectId& project, Row& row);

/// ContextOf is what a stored version is bound to.
Bytes ContextOf(const Session& session, const ProjectId& project, const StoredVersion& version);

/// OpenStored opens a version read in the open transaction, whatever its expiry, to seal it again
/// or to look at it: OpenFor::kReseal. The trusted set is to be of the same moment or a later one.
/// Errors: kIntegrity, kRefusedByState.
Result<SecretBytes> OpenStored(Session& session, const ProjectId& project,
                               const StoredVersion& version);

/// ResealedVersion is a version sealed again in memory: under the active DEK, with a fresh nonce.
struct ResealedVersion {
  SecretId secret;
  SecretVersion version;
  Bytes old_nonce;
  DekId dek;
  SealedBytes sealed;
  std::optional<Timestamp> expires_at;
  Bytes write_mac;
};

/// SealAgain opens `old`, seals its value for what `changed` is bound to, and opens that again to
/// compare. Errors: OpenStored's, kRandomFailure, kInternal (the machine changed a byte).
Result<ResealedVersion> SealAgain(Session& session, const ProjectId& project,
                                  const StoredVersion& old, const StoredVersion& changed,
                                  const ActiveDekOperation::Active& active);

/// StoreResealed is the statement that writes resealed versions of a project and their audit items
/// in the open write transaction.
Statement StoreResealed(const ProjectId& project, const std::vector<const ResealedVersion*>& items,
                        const std::string& entry_id);

/// ReadStored reads its answer for `items` items: false for one that was not written, because
/// another process changed the row or its DEK is no longer active.
Result<std::vector<bool>> ReadStored(Session& session, Rows& answer, std::size_t items);

/// Rename and expire change what a version is bound to, so they open and seal again, inside one
/// write transaction, and log the new write MACs. Errors: kNotFound, kConflict, kIntegrity.
Result<void> RenameSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const SecretName& new_name, const Access& access);
Result<void> ExpireSecret(Client& client, const ProjectId& project, const SecretName& name,
                          std::optional<SecretVersion> version, std::optional<Timestamp> expires_at,
                          const Access& access);

/// DeleteSecret removes a secret and its versions in one transaction.
Result<void> DeleteSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const Access& access);

}  // namespace rowseal
