#include "client/secret_reseal.h"

#include "base/clock.h"
#include "client/change.h"
#include "client/get_operation.h"
#include "client/last_writes.h"
#include "client/sealing.h"
#include "envelope/contexts.h"
#include "store/calls/secret_delete.h"
#include "store/calls/secret_lock.h"
#include "store/calls/secret_rename.h"
#include "store/calls/secret_versions.h"

namespace rowseal {
namespace {

// The secret's row, locked, decides what is changed: others change other secrets meanwhile.
constexpr ChangeKind kOfASecret{.locks = ChangeKind::Locks::kRows};

// Finds a secret and keeps it from others until the transaction ends.
Result<SecretHead> LockSecret(Connection& connection, const ProjectId& project,
                              const SecretName& name) {
  ROWSEAL_ASSIGN(const SecretLock::Answer head,
                 Ask(connection, SecretLock::Request{project, name}));
  if (!head) {
    return Fail(ErrorCode::kNotFound,
                "there is no secret '" + name.text() + "' in project '" + project.text() + "'",
                "rowseal secret list shows what is there");
  }
  return *head;
}

Result<StoredVersion> ReadVersion(Connection& connection, const ProjectId& project,
                                  const SecretName& name, SecretId id, SecretVersion version) {
  ROWSEAL_ASSIGN(std::optional<StoredVersion> stored,
                 Ask(connection, SecretVersionRead::Request{project, id, version}));
  if (!stored) {
    return Fail(ErrorCode::kNotFound,
                "there is no version " + ToText(version) + " of secret '" + name.text() +
                    "' in project '" + project.text() + "'",
                "rowseal secret versions shows what is there");
  }
  if (stored->name != name) {
    return WrongAnswer(SecretVersionRead::kName, "secret '" + name.text() + "'",
                       "it is of secret '" + stored->name.text() + "'");
  }
  return std::move(*stored);
}

Result<ActiveDekOperation::Active> FindOrMakeActiveDek(Connection& connection, Session& session,
                                                       const ProjectId& project) {
  ActiveDekOperation find(session, project, DekPurpose::kSecret);
  RunOperation(connection, find);
  return std::move(find).Take();
}

// Writes a version sealed again. Its row is locked, so only its new DEK may have been rotated away
// before the write; then it is sealed under the next one.
Result<void> WriteSealedAgain(Change& change, const ProjectId& project, const StoredVersion& old,
                              const StoredVersion& changed, EntryId entry) {
  constexpr int kMostRounds = 8;
  Connection& connection = change.connection();
  Session& session = change.session();
  if (!session.KnowsKek(old.dek)) {
    ROWSEAL_TRY(session.LoadTrust(connection));  // a rotation was committed meanwhile
  }
  for (int round = 0; round < kMostRounds; ++round) {
    ROWSEAL_ASSIGN(const ActiveDekOperation::Active active,
                   FindOrMakeActiveDek(connection, session, project));
    ROWSEAL_ASSIGN(SecretReseal::Item resealed, SealAgain(session, project, old, changed, active));
    SecretReseal::Request request{project, {}, entry};
    request.items.push_back(std::move(resealed));
    ROWSEAL_ASSIGN(const SecretReseal::Answer stored, Ask(connection, std::move(request)));
    if (stored.front()) {
      session.observer().Count(Counter::kSecretsSealed);
      return {};
    }
  }
  return Fail(ErrorCode::kConflict, "the secret was changed by another process", "retry");
}

std::string RowName(const StoredVersion& version) {
  return "version " + ToText(version.version) + " of secret " + ToText(version.secret);
}

}  // namespace

Bytes ContextOf(const Session& session, const ProjectId& project, const StoredVersion& version) {
  return EncodeContext(SecretContext{session.installation(), project, version.secret, version.name,
                                     version.kind, version.version, version.expires_at});
}

Result<std::shared_ptr<const Dek>> OpenDekOf(Session& session, const StoredVersion& version) {
  if (!session.HadKek(version.dek) || version.dek.dek.purpose != DekPurpose::kSecret) {
    return Fail(ErrorCode::kIntegrity, RowName(version) + ": its DEK or KEK was changed",
                "restore the tables kek and dek from a backup");
  }
  ROWSEAL_TRY(session.CheckOpens(version.dek, OpenFor::kReseal));
  return session.OpenDek(version.dek.dek, session.seen().Now());
}

Result<SecretBytes> OpenUnder(const Dek& dek, const Session& session, const ProjectId& project,
                              const StoredVersion& version) {
  Result<SecretBytes> value = OpenPadded(dek.key, version.encrypted_data, version.nonce,
                                         ContextOf(session, project, version));
  if (!value && value.error().code == ErrorCode::kIntegrity) {
    return Fail(ErrorCode::kIntegrity, RowName(version) + " does not open: a stored byte is wrong",
                "restore the row from a backup");
  }
  return value;
}

Result<SecretBytes> OpenStored(Session& session, const ProjectId& project,
                               const StoredVersion& version) {
  ROWSEAL_ASSIGN(const std::shared_ptr<const Dek> dek, OpenDekOf(session, version));
  ROWSEAL_ASSIGN(SecretBytes value, OpenUnder(*dek, session, project, version));
  // Sealed again, an older row that was put back would become what was written last.
  ROWSEAL_TRY(CheckLastWritten(session, project, version));
  return value;
}

Result<SecretReseal::Item> SealAgain(Session& session, const ProjectId& project,
                                     const StoredVersion& old, const StoredVersion& changed,
                                     const ActiveDekOperation::Active& active) {
  ROWSEAL_TRY(session.CheckNotRolledBack());
  ROWSEAL_ASSIGN(const SecretBytes value, OpenStored(session, project, old));
  const Bytes context = ContextOf(session, project, changed);
  // The old bytes are overwritten, and no other copy is left.
  ROWSEAL_ASSIGN(FreshNonces fresh, FreshNonces::Draw(1));
  ROWSEAL_ASSIGN(SealedBytes sealed, SealProven(active.dek->key, value.Reveal(), context, fresh));
  const std::int64_t write_count = old.written->count + 1;
  ROWSEAL_ASSIGN(Bytes mac,
                 session.integrity()->Mac(WrittenVersion{.write_count = write_count,
                                                         .context = context,
                                                         .created_at = old.created_at,
                                                         .dek = active.record.id,
                                                         .nonce = sealed.nonce,
                                                         .encrypted_data = sealed.encrypted_data}));
  return SecretReseal::Item{.secret = old.secret,
                            .version = old.version,
                            .dek = active.record.id,
                            .nonce = sealed.nonce,
                            .encrypted_data = std::move(sealed.encrypted_data),
                            .expires_at = changed.expires_at,
                            .old_nonce = old.nonce,
                            .write_count = write_count,
                            .mac = std::move(mac)};
}

Result<void> RenameSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const SecretName& new_name, const Access& access) {
  const auto rename = [&](Change& change) -> Result<void> {
    Connection& connection = change.connection();
    ROWSEAL_ASSIGN(SecretHead head, LockSecret(connection, project, name));
    if (name == new_name) {
      change.NothingToDo();
      return {};
    }
    ROWSEAL_TRY(CheckLastWritten(change.session(), project, name, head));
    const Result<SecretHead> taken = LockSecret(connection, project, new_name);
    if (!taken && taken.error().code != ErrorCode::kNotFound) {
      return tl::unexpected(taken.error());
    }
    if (taken) {
      return Fail(ErrorCode::kConflict,
                  "project '" + project.text() + "' has a secret '" + new_name.text() + "' already",
                  "choose another name");
    }
    ROWSEAL_ASSIGN(const SecretVersions::Answer versions,
                   Ask(connection, SecretVersions::Request{project, name}));
    if (!versions.unreadable.empty()) {
      return Fail(ErrorCode::kIntegrity,
                  versions.unreadable.front().row + ": " + versions.unreadable.front().message,
                  kUnreadHint);
    }
    ROWSEAL_ASSIGN(const EntryId entry, change.Audit("rename", ToText(head.id), project.text()));
    for (const SecretVersions::Row& kept : versions) {
      ROWSEAL_ASSIGN(const StoredVersion old,
                     ReadVersion(connection, project, name, head.id, kept.version));
      StoredVersion changed = old;
      changed.name = new_name;
      ROWSEAL_TRY(WriteSealedAgain(change, project, old, changed, entry));
    }
    ROWSEAL_ASSIGN(LastWrite written, WrittenAs(change.session(), project, new_name, head));
    ROWSEAL_ASSIGN(const bool renamed,
                   Ask(connection, SecretRename::Request{project, head.id, new_name, written}));
    if (!renamed) {
      return Fail(ErrorCode::kConflict, "the secret was changed by another process", "retry");
    }
    change.AfterCommit([&] { change.session().seen().Forget(project, name); });
    return {};
  };
  return ChangeStore(client, access, rename, kOfASecret);
}

Result<void> ExpireSecret(Client& client, const ProjectId& project, const SecretName& name,
                          std::optional<SecretVersion> version, std::optional<Timestamp> expires_at,
                          const Access& access) {
  ROWSEAL_TRY(CheckVersion(version));
  if (expires_at) {
    ROWSEAL_TRY(CheckStorable(*expires_at));
  }
  const auto expire = [&](Change& change) -> Result<void> {
    Connection& connection = change.connection();
    ROWSEAL_ASSIGN(const SecretHead head, LockSecret(connection, project, name));
    ROWSEAL_TRY(CheckLastWritten(change.session(), project, name, head));
    const SecretVersion number = version.value_or(SecretVersion{head.next_version.value - 1});
    // The entry comes first: it is what lets a transaction read ciphertext on PostgreSQL.
    ROWSEAL_ASSIGN(const EntryId entry,
                   change.Audit("expire", ToText(head.id) + "@" + ToText(number), project.text()));
    ROWSEAL_ASSIGN(const StoredVersion old,
                   ReadVersion(connection, project, name, head.id, number));
    StoredVersion changed = old;
    changed.expires_at = expires_at;
    return WriteSealedAgain(change, project, old, changed, entry);
  };
  return ChangeStore(client, access, expire, kOfASecret);
}

Result<void> DeleteSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const Access& access) {
  const auto remove = [&](Change& change) -> Result<void> {
    // Deleting needs no proof: it is the way out for what lost its own.
    ROWSEAL_ASSIGN(const SecretHead head, LockSecret(change.connection(), project, name));
    ROWSEAL_TRY(change.Audit("delete", ToText(head.id), project.text()));
    ROWSEAL_TRY(Ask(change.connection(), SecretDelete::Request{project, head.id}));
    change.AfterCommit([&] { change.session().seen().Forget(project, name); });
    return {};
  };
  return ChangeStore(client, access, remove, kOfASecret);
}

}  // namespace rowseal
