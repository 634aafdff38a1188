#include "client/secret_reseal.h"

#include "base/clock.h"
#include "client/change.h"
#include "client/sealing.h"
#include "envelope/contexts.h"
#include "store/procedures.h"

namespace rowseal {
namespace {

// The secret's row, locked, decides what is changed: others change other secrets meanwhile.
constexpr ChangeKind kOfASecret{.locks = ChangeKind::Locks::kRows};

struct Head {
  std::string id;
  std::int64_t next_version;
};

// Finds a secret and keeps it from others until the transaction ends.
Result<Head> LockSecret(Connection& connection, const ProjectId& project, const SecretName& name) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Call(Procedure::kSecretLock,
                                                                 {project.text(), name.text()})));
  if (answer.rows.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there is no secret '" + name.text() + "' in project '" + project.text() + "'",
                "rowseal secret list shows what is there");
  }
  RowReader reader(answer.rows.front());
  Head head{reader.Text(), reader.Integer()};
  ROWSEAL_TRY(reader.status());
  return head;
}

Result<std::vector<std::int64_t>> ListVersions(Connection& connection, const ProjectId& project,
                                               const SecretName& name) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Call(Procedure::kSecretVersions,
                                                                 {project.text(), name.text()})));
  std::vector<std::int64_t> versions;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    versions.push_back(reader.Integer());
    ROWSEAL_TRY(reader.status());
  }
  return versions;
}

Result<StoredVersion> ReadVersion(Connection& connection, const ProjectId& project,
                                  const Head& head, std::int64_t version) {
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Call(Procedure::kSecretVersionRead,
                                                    {project.text(), head.id, version})));
  if (answer.rows.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there is no version " + std::to_string(version) + " of the secret in project '" +
                    project.text() + "'",
                "rowseal secret versions shows what is there");
  }
  return ReadStoredVersion(project, answer.rows.front());
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
                              const StoredVersion& changed, const std::string& entry_id) {
  constexpr int kMostRounds = 8;
  Connection& connection = change.connection();
  Session& session = change.session();
  if (!session.KnowsKek(old.dek)) {
    ROWSEAL_TRY(session.LoadTrust(connection));  // a rotation was committed meanwhile
  }
  for (int round = 0; round < kMostRounds; ++round) {
    ROWSEAL_ASSIGN(const ActiveDekOperation::Active active,
                   FindOrMakeActiveDek(connection, session, project));
    ROWSEAL_ASSIGN(const ResealedVersion resealed,
                   SealAgain(session, project, old, changed, active));
    ROWSEAL_ASSIGN(Rows answer, connection.Execute(StoreResealed(project, {&resealed}, entry_id)));
    ROWSEAL_ASSIGN(const std::vector<bool> stored, ReadStored(session, answer, 1));
    if (stored.front()) {
      return {};
    }
  }
  return Fail(ErrorCode::kConflict, "the secret was changed by another process", "retry");
}

}  // namespace

Result<StoredVersion> ReadStoredVersion(const ProjectId& project, Row& row) {
  RowReader reader(row);
  Result<SecretId> id = ParseUuid<SecretId>(reader.Text());
  Result<SecretName> name = SecretName::Parse(reader.Text());
  Result<SecretKind> kind = ParseSecretKind(reader.Text());
  if (!id || !name || !kind) {
    return Fail(ErrorCode::kIntegrity, "a row of the table secret was changed",
                "restore it from a backup");
  }
  StoredVersion version{
      *id, std::move(*name), *kind, {}, {}, {}, {}, {DekRecord{.project = project}, {}, {}}};
  version.version.value = reader.Integer();
  if (reader.NextIsNull()) {
    reader.Skip();
  } else {
    version.expires_at = reader.Time();
  }
  version.nonce = reader.Blob();
  version.encrypted_data = reader.Blob();
  ROWSEAL_ASSIGN(version.dek, ReadDek(project, reader));
  return version;
}

Bytes ContextOf(const Session& session, const ProjectId& project, const StoredVersion& version) {
  return EncodeContext(SecretContext{session.installation(), project, version.secret, version.name,
                                     version.kind, version.version, version.expires_at});
}

Result<SecretBytes> OpenStored(Session& session, const ProjectId& project,
                               const StoredVersion& version) {
  const std::string row =
      "version " + ToText(version.version) + " of secret " + ToText(version.secret);
  if (!session.HadKek(version.dek) || version.dek.dek.purpose != DekPurpose::kSecret) {
    return Fail(ErrorCode::kIntegrity, row + ": its DEK or KEK was changed",
                "restore the tables kek and dek from a backup");
  }
  ROWSEAL_TRY(session.CheckOpens(version.dek, OpenFor::kReseal));
  ROWSEAL_ASSIGN(const std::shared_ptr<const Dek> dek,
                 session.OpenDek(version.dek.dek, session.seen().Now()));
  Result<SecretBytes> value = OpenPadded(dek->key, version.encrypted_data, version.nonce,
                                         ContextOf(session, project, version));
  if (!value && value.error().code == ErrorCode::kIntegrity) {
    return Fail(ErrorCode::kIntegrity, row + " does not open: a stored byte is wrong",
                "restore the row from a backup");
  }
  return value;
}

Result<ResealedVersion> SealAgain(Session& session, const ProjectId& project,
                                  const StoredVersion& old, const StoredVersion& changed,
                                  const ActiveDekOperation::Active& active) {
  ROWSEAL_TRY(session.CheckNotRolledBack());
  ROWSEAL_ASSIGN(const SecretBytes value, OpenStored(session, project, old));
  const Bytes context = ContextOf(session, project, changed);
  // The old bytes are overwritten, and no other copy is left.
  ROWSEAL_ASSIGN(FreshNonces fresh, FreshNonces::Draw(1));
  ROWSEAL_ASSIGN(SealedBytes sealed, SealProven(active.dek->key, value.Reveal(), context, fresh));
  ROWSEAL_ASSIGN(Bytes write_mac,
                 session.integrity()->WriteMac(context, sealed.nonce, sealed.encrypted_data));
  return ResealedVersion{old.secret, old.version,        old.nonce,           active.record.id,
                         sealed,     changed.expires_at, std::move(write_mac)};
}

Statement StoreResealed(const ProjectId& project, const std::vector<const ResealedVersion*>& items,
                        const std::string& entry_id) {
  std::vector<std::string> secrets;
  std::vector<std::int64_t> versions;
  std::vector<std::string> deks;
  std::vector<Bytes> nonces;
  std::vector<Bytes> encrypted;
  std::vector<std::int64_t> expires;
  std::vector<Bytes> old_nonces;
  std::vector<Bytes> write_macs;
  for (const ResealedVersion* item : items) {
    secrets.push_back(ToText(item->secret));
    versions.push_back(item->version.value);
    deks.push_back(ToText(item->dek));
    nonces.emplace_back(item->sealed.nonce.begin(), item->sealed.nonce.end());
    encrypted.push_back(item->sealed.encrypted_data);
    expires.push_back(item->expires_at ? item->expires_at->time_since_epoch().count() : kNoExpiry);
    old_nonces.push_back(item->old_nonce);
    write_macs.push_back(item->write_mac);
  }
  return Statement::Call(Procedure::kSecretReseal,
                         {project.text(), std::move(secrets), std::move(versions), std::move(deks),
                          std::move(nonces), std::move(encrypted), std::move(expires),
                          std::move(old_nonces), std::move(write_macs), entry_id});
}

Result<std::vector<bool>> ReadStored(Session& session, Rows& answer, std::size_t items) {
  if (answer.rows.size() != items) {
    return Fail(ErrorCode::kInternal, "the store answered with another number of rows");
  }
  std::vector<bool> stored;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    stored.push_back(reader.Integer() != 0);
    ROWSEAL_TRY(reader.status());
    session.observer().Count(Counter::kSecretsSealed, stored.back() ? 1 : 0);
  }
  return stored;
}

Result<void> RenameSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const SecretName& new_name, const Access& access) {
  const auto rename = [&](Change& change) -> Result<void> {
    Connection& connection = change.connection();
    ROWSEAL_ASSIGN(const Head head, LockSecret(connection, project, name));
    if (name == new_name) {
      change.NothingToDo();
      return {};
    }
    const Result<Head> taken = LockSecret(connection, project, new_name);
    if (!taken && taken.error().code != ErrorCode::kNotFound) {
      return tl::unexpected(taken.error());
    }
    if (taken) {
      return Fail(ErrorCode::kConflict,
                  "project '" + project.text() + "' has a secret '" + new_name.text() + "' already",
                  "choose another name");
    }
    ROWSEAL_ASSIGN(const std::vector<std::int64_t> versions,
                   ListVersions(connection, project, name));
    ROWSEAL_ASSIGN(const std::string entry, change.Audit("rename", head.id, project.text()));
    for (const std::int64_t number : versions) {
      ROWSEAL_ASSIGN(const StoredVersion old, ReadVersion(connection, project, head, number));
      StoredVersion changed = old;
      changed.name = new_name;
      ROWSEAL_TRY(WriteSealedAgain(change, project, old, changed, entry));
    }
    ROWSEAL_TRY(connection.Execute(
        Statement::Call(Procedure::kSecretRename, {project.text(), head.id, new_name.text()})));
    change.AfterCommit([&] { change.session().seen().Forget(project, name); });
    return {};
  };
  return ChangeStore(client, access, rename, kOfASecret);
}

Result<void> ExpireSecret(Client& client, const ProjectId& project, const SecretName& name,
                          std::optional<SecretVersion> version, std::optional<Timestamp> expires_at,
                          const Access& access) {
  if (expires_at) {
    ROWSEAL_TRY(CheckStorable(*expires_at));
  }
  const auto expire = [&](Change& change) -> Result<void> {
    ROWSEAL_ASSIGN(const Head head, LockSecret(change.connection(), project, name));
    const std::int64_t number = version ? version->value : head.next_version - 1;
    ROWSEAL_ASSIGN(const StoredVersion old,
                   ReadVersion(change.connection(), project, head, number));
    StoredVersion changed = old;
    changed.expires_at = expires_at;
    ROWSEAL_ASSIGN(const std::string entry,
                   change.Audit("expire", head.id + "@" + std::to_string(number), project.text()));
    return WriteSealedAgain(change, project, old, changed, entry);
  };
  return ChangeStore(client, access, expire, kOfASecret);
}

Result<void> DeleteSecret(Client& client, const ProjectId& project, const SecretName& name,
                          const Access& access) {
  const auto remove = [&](Change& change) -> Result<void> {
    ROWSEAL_ASSIGN(const Head head, LockSecret(change.connection(), project, name));
    ROWSEAL_TRY(change.Audit("delete", head.id, project.text()));
    ROWSEAL_TRY(change.connection().Execute(
        Statement::Call(Procedure::kSecretDelete, {project.text(), head.id})));
    change.AfterCommit([&] { change.session().seen().Forget(project, name); });
    return {};
  };
  return ChangeStore(client, access, remove, kOfASecret);
}

}  // namespace rowseal
