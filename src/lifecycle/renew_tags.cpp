#include "lifecycle/renew_tags.h"

#include "crypto/mac.h"
#include "envelope/contexts.h"
#include "store/calls/secret_version_read.h"
#include "store/calls/trust_load.h"
#include "store/list_reader.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::int64_t kPage = 256;            // rows
constexpr std::int64_t kVersionsPage = 64;     // rows with ciphertext, 16 MiB at most each
constexpr std::size_t kPendingSize = 1;        // of a secret's MAC that is still to be made
constexpr std::size_t kOldMacSize = kMacSize;  // of format 2: without the key's id

class TagRenewer final {
 public:
  TagRenewer(Connection& connection, const IntegrityKey& integrity, InstallationId installation)
      : connection_(connection), integrity_(integrity), installation_(installation) {}

  Result<void> Run() {
    ROWSEAL_TRY(InPages(&TagRenewer::RenewDeks));
    ROWSEAL_TRY(InPages(&TagRenewer::RenewVersions));
    return InPages(&TagRenewer::RenewHeads);
  }

 private:
  Result<void> InPages(Result<bool> (TagRenewer::*page)()) {
    after_.clear();
    bool more = true;
    while (more) {
      ROWSEAL_ASSIGN(more, (this->*page)());
    }
    return {};
  }

  Result<Rows> Next(const PageSql& sql, std::size_t keys, std::int64_t limit) {
    return NextPage(connection_, sql, {}, after_, keys, limit);
  }

  Result<bool> RenewDeks() {
    static const PageSql sql(DekQuery(""), "", "(d.project_id, d.id)", "($2, $3)");
    ROWSEAL_ASSIGN(Rows page, Next(sql, 2, kPage));
    const bool may_go_on = static_cast<std::int64_t>(page.rows.size()) == kPage;
    std::vector<Statement> changes;
    for (Row& row : page.rows) {
      const Result<DekAndKek> read = ReadDekRow(row);
      if (!read) {
        continue;
      }
      ROWSEAL_ASSIGN(const Bytes old_tag, integrity_.format_2().Tag(read->dek));
      if (EqualInConstantTime(old_tag, read->dek.row_tag)) {
        ROWSEAL_ASSIGN(Bytes tag, integrity_.Tag(read->dek));
        changes.push_back(
            Statement::Sql("UPDATE rowseal.dek SET row_tag = $3 WHERE project_id = $1 AND id = $2",
                           {read->dek.project.text(), ToText(read->dek.id), std::move(tag)}));
      }
    }
    ROWSEAL_TRY(connection_.ExecuteAll(changes));
    return may_go_on;
  }

  Result<bool> RenewVersions() {
    static const PageSql sql(
        "SELECT v.project_id, v.secret_id, v.version, " + StoredVersionColumns() +
            " FROM rowseal.secret_version v"
            " LEFT JOIN rowseal.secret s ON s.project_id = v.project_id AND s.id = v.secret_id"
            " LEFT JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
            " LEFT JOIN rowseal.kek k ON k.id = d.kek_id" +
            std::string(kJoinVersionMac),
        "", "(v.project_id, v.secret_id, v.version)", "($2, $3, $4)");
    ROWSEAL_ASSIGN(Rows page, Next(sql, 3, kVersionsPage));
    const bool may_go_on = static_cast<std::int64_t>(page.rows.size()) == kVersionsPage;
    std::vector<Statement> changes;
    for (Row& row : page.rows) {
      ROWSEAL_TRY(RenewVersion(row, changes));
    }
    ROWSEAL_TRY(connection_.ExecuteAll(changes));
    return may_go_on;
  }

  Result<void> RenewVersion(Row& row, std::vector<Statement>& changes) {
    std::vector<Param> key;
    AppendKeys(KeysOf(row, 3), key);
    RowReader reader(row);
    const Result<ProjectId> project = ProjectId::Parse(reader.Text());
    reader.Skip(2);
    const Result<StoredVersion> version =
        project ? ReadStoredVersion(*project, reader) : tl::unexpected(project.error());
    std::optional<Bytes> mac;
    if (version && version->written && version->written->mac.size() == kOldMacSize) {
      ROWSEAL_ASSIGN(mac, NewMac(*project, *version));
    }
    if (!mac) {
      changes.push_back(
          Statement::Sql("DELETE FROM rowseal.version_mac WHERE project_id = $1"
                         " AND secret_id = $2 AND version = $3",
                         std::move(key)));
      return {};
    }
    key.emplace_back(std::move(*mac));
    changes.push_back(
        Statement::Sql("UPDATE rowseal.version_mac SET write_count = 1, mac = $4"
                       " WHERE project_id = $1 AND secret_id = $2 AND version = $3",
                       std::move(key)));
    return {};
  }

  Result<std::optional<Bytes>> NewMac(const ProjectId& project, const StoredVersion& version) {
    const Bytes context =
        EncodeContext(SecretContext{installation_, project, version.secret, version.name,
                                    version.kind, version.version, version.expires_at});
    ROWSEAL_ASSIGN(const Bytes old_mac,
                   integrity_.format_2().WriteMac(context, version.nonce, version.encrypted_data));
    if (!EqualInConstantTime(old_mac, version.written->mac)) {
      return std::nullopt;
    }
    ROWSEAL_ASSIGN(Bytes mac,
                   integrity_.Mac(WrittenVersion{.write_count = 1,
                                                 .context = context,
                                                 .created_at = version.created_at,
                                                 .dek = version.dek.dek.id,
                                                 .nonce = version.nonce,
                                                 .encrypted_data = version.encrypted_data}));
    return mac;
  }

  // The counter has to agree with the newest version that the log named, which the tables' upgrade
  // left in the place of the MAC's count.
  Result<bool> RenewHeads() {
    static const PageSql sql(
        "SELECT s.project_id, s.id, s.id, substr(s.kind, 1, 256), s.next_version, s.lowest_version,"
        " s.created_at, substr(s.attributes, 1, 65537), " ROWSEAL_MAC_COLUMNS("h") ","
        " substr(s.name, 1, 256) FROM rowseal.secret s JOIN rowseal.secret_mac h"
        " ON h.project_id = s.project_id AND h.secret_id = s.id",
        "", "(s.project_id, s.id)", "($2, $3)");
    ROWSEAL_ASSIGN(Rows page, Next(sql, 2, kPage));
    const bool may_go_on = static_cast<std::int64_t>(page.rows.size()) == kPage;
    std::vector<Statement> changes;
    for (Row& row : page.rows) {
      std::vector<Param> key;
      AppendKeys(KeysOf(row, 2), key);
      RowReader reader(row);
      const Result<ProjectId> project = ProjectId::Parse(reader.Text());
      reader.Skip();
      SecretHead head;
      const Defect defect = ReadFields(reader, head);
      const Result<SecretName> name = SecretName::Parse(defect ? "" : reader.Text());
      const bool agrees = project && name && head.written &&
                          head.written->mac.size() == kPendingSize &&
                          head.written->count == head.next_version.value - 1;
      if (!agrees) {
        changes.push_back(Statement::Sql(
            "DELETE FROM rowseal.secret_mac WHERE project_id = $1 AND secret_id = $2", key));
        continue;
      }
      ROWSEAL_ASSIGN(Bytes mac, integrity_.Mac(WrittenHead{.write_count = head.written->count,
                                                           .project = *project,
                                                           .secret = head.id,
                                                           .name = *name,
                                                           .kind = head.kind,
                                                           .next_version = head.next_version,
                                                           .lowest_version = head.lowest_version,
                                                           .created_at = head.created_at,
                                                           .attributes = head.attributes}));
      key.emplace_back(std::move(mac));
      changes.push_back(Statement::Sql(
          "UPDATE rowseal.secret_mac SET mac = $3 WHERE project_id = $1 AND secret_id = $2", key));
    }
    ROWSEAL_TRY(connection_.ExecuteAll(changes));
    return may_go_on;
  }

  Connection& connection_;
  const IntegrityKey& integrity_;
  const InstallationId installation_;
  Row after_;  // the keys of the last row that was looked at
};

Result<void> CheckSet(const IntegrityKey& integrity, const TrustRows& rows) {
  for (const RootRecord& root : rows.roots) {
    ROWSEAL_TRY(integrity.Verify(root));
  }
  for (const KekRecord& kek : rows.keks) {
    ROWSEAL_TRY(integrity.Verify(kek));
  }
  ROWSEAL_ASSIGN(const Bytes old_tag, integrity.format_2().TrustTag(rows));
  if (!rows.floors.empty() || !EqualInConstantTime(old_tag, rows.installation.trust_tag)) {
    return Fail(ErrorCode::kIntegrity,
                "the set of roots, KEKs and wrappings (installation.trust_tag): its tag does not"
                " match what stands in it",
                "somebody changed it outside Rowseal; restore it from a backup, then upgrade");
  }
  return {};
}

}  // namespace

Result<void> RenewTags(Connection& connection, const IntegrityKey& integrity,
                       const TrustRows& known) {
  ROWSEAL_ASSIGN(TrustRows rows, Ask(connection, TrustLoad::Request{}));
  const bool is_same = rows.installation.id == known.installation.id &&
                       rows.installation.epoch == known.installation.epoch &&
                       rows.installation.trust_tag == known.installation.trust_tag;
  if (!is_same) {
    return Fail(ErrorCode::kConflict, "the keys of the store were changed during the upgrade",
                "run it again");
  }
  ROWSEAL_TRY(CheckSet(integrity, rows));
  ROWSEAL_TRY(TagRenewer(connection, integrity, rows.installation.id).Run());
  ++rows.installation.epoch;
  ROWSEAL_ASSIGN(rows.installation.trust_tag, integrity.TrustTag(rows));
  return UpdateInstallation(connection, rows.installation);
}

}  // namespace rowseal
