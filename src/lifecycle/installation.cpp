#include "lifecycle/installation.h"

#include "client/audit.h"
#include "client/random_ids.h"
#include "keys/integrity_key.h"
#include "store/numbers.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr KekId kFirstKek{1};
constexpr KekId kIntegrityKek{2};
constexpr RootId kFirstRoot{1};

KekRecord NewKekRecord(KekId id, KekPurpose purpose, Timestamp now) {
  KekRecord record;
  record.id = id;
  record.scope = kDefaultScope;
  record.purpose = purpose;
  record.created_at = now;
  return record;
}

}  // namespace

Result<bool> HasInstallation(Connection& connection) {
  // Any of these says so: where only some are left, rows were removed, and new keys would hide it.
  ROWSEAL_ASSIGN(const Rows rows, connection.Execute(Statement::Sql(
                                      "SELECT EXISTS (SELECT 1 FROM rowseal.installation)"
                                      " OR EXISTS (SELECT 1 FROM rowseal.root_key)"
                                      " OR EXISTS (SELECT 1 FROM rowseal.kek)"
                                      " OR EXISTS (SELECT 1 FROM rowseal.dek)"
                                      " OR EXISTS (SELECT 1 FROM rowseal.secret)")));
  return rows.rows.size() == 1 && rows.rows.front()[0] != Value(std::int64_t{0});
}

Result<TrustRows> MakeInstallation(const NewInstallation& begins) {
  const RootProvider& root = begins.root;
  const Timestamp now = begins.now;
  TrustRows rows;
  InstallationRecord& installation = rows.installation;
  ROWSEAL_ASSIGN(installation.id, NewId<InstallationId>());
  installation.next_kek_id = kIntegrityKek.value + 1;
  installation.next_root_id = kFirstRoot.value + 1;
  installation.integrity_kek = kIntegrityKek;
  installation.projects_table = begins.projects_table;
  installation.project_key_type = begins.project_key_type;
  installation.created_at = now;

  RootRecord root_record;
  root_record.id = kFirstRoot;
  root_record.uri = root.uri();
  root_record.scope = kDefaultScope;
  root_record.fingerprint = Bytes(root.fingerprint().begin(), root.fingerprint().end());
  root_record.public_part = Bytes(root.public_part().begin(), root.public_part().end());
  root_record.created_at = now;

  KekRecord wrap_record = NewKekRecord(kFirstKek, KekPurpose::kWrap, now);
  KekRecord integrity_record = NewKekRecord(kIntegrityKek, KekPurpose::kIntegrity, now);
  ROWSEAL_ASSIGN(const Kek wrap_kek, NewKek(wrap_record));
  ROWSEAL_ASSIGN(Kek integrity_kek, NewKek(integrity_record));
  for (const auto& [kek, record] :
       {std::pair(&wrap_kek, &wrap_record),
        std::pair(static_cast<const Kek*>(&integrity_kek), &integrity_record)}) {
    ROWSEAL_ASSIGN(WrappingRecord wrapping,
                   WrapKek(*kek, *record, installation.id, kFirstRoot, root));
    rows.wrappings.push_back(std::move(wrapping));
  }

  const IntegrityKey integrity(installation.id,
                               std::make_shared<const Kek>(std::move(integrity_kek)));
  ROWSEAL_ASSIGN(root_record.row_tag, integrity.Tag(root_record));
  ROWSEAL_ASSIGN(wrap_record.row_tag, integrity.Tag(wrap_record));
  ROWSEAL_ASSIGN(integrity_record.row_tag, integrity.Tag(integrity_record));
  rows.roots = {root_record};
  rows.keks = {wrap_record, integrity_record};
  ROWSEAL_ASSIGN(installation.trust_tag, integrity.TrustTag(rows));
  return rows;
}

Result<void> WriteInstallation(Connection& connection, const TrustRows& rows,
                               std::string_view actor) {
  const InstallationRecord& installation = rows.installation;
  ROWSEAL_TRY(InsertInstallation(connection, installation));
  for (const RootRecord& root : rows.roots) {
    ROWSEAL_TRY(InsertRoot(connection, root));
  }
  for (const KekRecord& kek : rows.keks) {
    ROWSEAL_TRY(InsertKek(connection, kek));
  }
  for (const WrappingRecord& wrapping : rows.wrappings) {
    ROWSEAL_TRY(InsertWrapping(connection, wrapping));
  }
  ROWSEAL_ASSIGN(const auto entry, TimeOrderedUuid(installation.created_at));
  return Ask(connection,
             AuditAppend::Request{
                 std::string(kSystemProject),
                 {EntryId{entry}, installation.created_at, std::string(actor), {}, "init"},
                 "done",
                 ToText(installation.id)});
}

}  // namespace rowseal
