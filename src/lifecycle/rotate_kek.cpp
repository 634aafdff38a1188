#include <chrono>

#include <rowseal/lifecycle.h>

#include "client/audit.h"
#include "client/session.h"

namespace rowseal {
namespace {

constexpr std::int64_t kPage = 1000;  // DEK rows held at once

struct Rotation {
  TrustRows rows;  // as they will stand
  KekRecord old_kek;
  std::shared_ptr<const Kek> new_kek;
};

// Wraps the new KEK for every root of its scope: one that is left out could not open it later.
Result<void> WrapForRoots(Session& session, Rotation& rotation, const KekRecord& record) {
  for (const RootRecord& root : rotation.rows.roots) {
    if (root.scope != record.scope || root.state != KeyState::kActive) {
      continue;
    }
    const std::shared_ptr<const RootProvider> provider = session.keyring().Provider(root.id);
    if (!provider) {
      return Fail(ErrorCode::kRootKeyMissing,
                  "root " + ToText(root.id) + " (" + root.uri +
                      ") must wrap the new KEK, but was not given here",
                  "give every root of the store (--root, several times)");
    }
    ROWSEAL_ASSIGN(
        WrappingRecord wrapping,
        WrapKek(*rotation.new_kek, record, rotation.rows.installation.id, root.id, *provider));
    rotation.rows.wrappings.push_back(std::move(wrapping));
  }
  return {};
}

// Makes the new KEK and the set of trusted rows with it, in memory.
Result<Rotation> Prepare(Session& session) {
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  const KekRecord* active = trust->ActiveKek(kDefaultScope);
  if (active == nullptr) {
    return Fail(ErrorCode::kRefusedByState, "no KEK of scope default is active",
                "resume the suspended KEK first");
  }
  Rotation rotation{trust->rows, *active, nullptr};
  InstallationRecord& installation = rotation.rows.installation;
  KekRecord record;
  record.id = KekId{installation.next_kek_id};
  record.scope = kDefaultScope;
  record.created_at = session.Now();
  ROWSEAL_ASSIGN(Kek kek, NewKek(record));
  rotation.new_kek = std::make_shared<const Kek>(std::move(kek));
  ROWSEAL_TRY(WrapForRoots(session, rotation, record));
  ROWSEAL_ASSIGN(record.row_tag, trust->integrity->Tag(record));
  for (KekRecord& kek_record : rotation.rows.keks) {
    if (kek_record.id == active->id) {
      kek_record.state = KeyState::kDeactivated;
      ++kek_record.revision.value;
      ROWSEAL_ASSIGN(kek_record.row_tag, trust->integrity->Tag(kek_record));
    }
  }
  rotation.rows.keks.push_back(record);
  ++installation.epoch;
  ++installation.next_kek_id;
  ROWSEAL_ASSIGN(installation.trust_tag, trust->integrity->TrustTag(rotation.rows));
  return rotation;
}

Result<void> WriteKeks(Connection& connection, const Rotation& rotation) {
  for (const KekRecord& kek : rotation.rows.keks) {
    if (kek.id == rotation.old_kek.id) {
      ROWSEAL_TRY(UpdateKekState(connection, kek, rotation.old_kek.revision));
    }
  }
  ROWSEAL_TRY(InsertKek(connection, rotation.rows.keks.back()));
  for (const WrappingRecord& wrapping : rotation.rows.wrappings) {
    if (wrapping.kek == rotation.new_kek->id) {
      ROWSEAL_TRY(InsertWrapping(connection, wrapping));
    }
  }
  return UpdateInstallation(connection, rotation.rows.installation);
}

Result<void> RewrapDek(Connection& connection, Session& session, const Rotation& rotation,
                       const DekRecord& dek) {
  ROWSEAL_TRY(session.integrity()->Verify(dek));
  ROWSEAL_ASSIGN(const std::shared_ptr<const Kek> old_kek, session.keyring().OpenKek(dek.kek));
  ROWSEAL_ASSIGN(const Dek opened, UnwrapDek(dek, *old_kek, session.installation()));
  ROWSEAL_ASSIGN(Bytes wrapped, WrapDek(opened, dek, *rotation.new_kek, session.installation()));
  ROWSEAL_ASSIGN(const Rows updated,
                 connection.Execute(
                     Statement::Sql("UPDATE rowseal.dek SET kek_id = $3, wrapped_key = $4"
                                    " WHERE project_id = $1 AND id = $2 AND kek_id = $5",
                                    {dek.project.text(), ToText(dek.id), rotation.new_kek->id.value,
                                     std::move(wrapped), dek.kek.value})));
  if (updated.changed != 1) {
    return Fail(ErrorCode::kConflict, "DEK " + ToText(dek.id) + " was changed meanwhile", "retry");
  }
  return {};
}

// Rewraps every DEK that is not under the new KEK. A row that does not open is named and left: the
// others must not wait for it, and its old KEK stays.
Result<void> RewrapAll(Connection& connection, Session& session, const Rotation& rotation,
                       RotationReport& report) {
  std::string after_project;
  std::string after_id;
  while (true) {
    ROWSEAL_ASSIGN(
        Rows page,
        connection.Execute(Statement::Sql(
            "SELECT d.project_id, d.id, d.kek_id, d.purpose, d.suite, d.state, d.revision,"
            " d.check_value, d.wrapped_key, d.row_tag, d.created_at, k.revision, k.row_tag"
            " FROM rowseal.dek d JOIN rowseal.kek k ON k.id = d.kek_id"
            " WHERE (d.project_id, d.id) > ($1, $2) AND d.kek_id <> $3"
            " ORDER BY d.project_id, d.id LIMIT $4",
            {after_project, after_id, rotation.new_kek->id.value, kPage})));
    for (Row& row : page.rows) {
      after_project = TextAt(row, 0);
      after_id = TextAt(row, 1);
      const std::string name = "DEK " + after_id + " of project '" + after_project + "'";
      RowReader reader(row);
      const Result<ProjectId> project = ProjectId::Parse(reader.Text());
      const Result<DekAndKek> dek =
          project ? ReadDek(*project, reader) : tl::unexpected(project.error());
      const Result<void> rewrapped =
          dek ? RewrapDek(connection, session, rotation, dek->dek) : tl::unexpected(dek.error());
      if (rewrapped) {
        ++report.rewrapped;
      } else if (rewrapped.error().code == ErrorCode::kIntegrity) {
        report.failures.push_back(name + ": " + rewrapped.error().message);
      } else {
        return rewrapped;
      }
    }
    if (static_cast<std::int64_t>(page.rows.size()) < kPage) {
      return {};
    }
  }
}

}  // namespace

Result<RotationReport> RotateKek(Client& client, const Access& access) {
  const auto start = std::chrono::steady_clock::now();
  Session& session = client.session();
  Connection& connection = client.connection();
  const auto lock = client.Lock();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kWrite));
  ROWSEAL_TRY(session.LoadTrust(connection));
  ROWSEAL_ASSIGN(const Rotation rotation, Prepare(session));
  RotationReport report{rotation.old_kek.id, rotation.new_kek->id, 0, {}, {}};
  session.observer().Log(
      {LogLevel::kInfo,
       "kek_rotation_started",
       "a new KEK is made and DEKs are rewrapped",
       {{"old_kek", ToText(report.old_kek)}, {"new_kek", ToText(report.new_kek)}}});
  ROWSEAL_TRY(WriteKeks(connection, rotation));
  ROWSEAL_TRY(RewrapAll(connection, session, rotation, report));
  ROWSEAL_TRY(WriteAudit(connection, session, kSystemProject, complete, "kek.rotate",
                         ToText(report.old_kek) + " " + ToText(report.new_kek)));
  ROWSEAL_TRY(transaction.Commit());
  // Only what is committed is switched to in memory, and what is committed is not a failure any
  // more: where the new set is not taken here, the next operation that meets it loads it.
  static_cast<void>(session.keyring().Adopt(rotation.rows));
  const auto elapsed = std::chrono::steady_clock::now() - start;
  report.duration = std::chrono::duration_cast<std::chrono::microseconds>(elapsed);
  session.observer().Count(Counter::kKekRotations);
  session.observer().Count(Counter::kDeksRewrapped, static_cast<std::uint64_t>(report.rewrapped));
  session.observer().Record(Timer::kKekRotation, elapsed);
  session.observer().Log({report.failures.empty() ? LogLevel::kInfo : LogLevel::kError,
                          "kek_rotated",
                          "the new KEK is active",
                          {{"old_kek", ToText(report.old_kek)},
                           {"new_kek", ToText(report.new_kek)},
                           {"rewrapped", std::to_string(report.rewrapped)},
                           {"failed", std::to_string(report.failures.size())}}});
  return report;
}

}  // namespace rowseal
