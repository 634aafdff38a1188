#include <algorithm>
#include <set>
#include <tuple>

#include <rowseal/lifecycle.h>

#include "base/closed_set.h"
#include "base/encoding.h"
#include "client/change.h"
#include "client/columns.h"
#include "client/last_writes.h"
#include "client/secret_reseal.h"
#include "crypto/mac.h"
#include "store/list_reader.h"

namespace rowseal {
namespace {

constexpr std::int64_t kVerifyPage = 256;  // rows
constexpr std::int64_t kVerifyPageBytes =
    8LL * 1024 * 1024;  // of ciphertext; one larger row is alone
constexpr std::size_t kVersionKeys = 3;

// Walks the tables page by page, each page in a read transaction of its own, so that neither memory
// nor the store's log grows with the store.
class Verifier final {
 public:
  Verifier(Client& client, const std::function<void(const VerifyFailure&)>& on_failure,
           const std::function<void(const VerifyReport&)>& on_progress)
      : client_(client), on_failure_(on_failure), on_progress_(on_progress) {}

  Result<VerifyReport> Run() {
    ROWSEAL_TRY(ReadTrusted(client_, [this](TrustedRead& read) { return VerifyTrust(read); }));
    ROWSEAL_TRY(InPages(&Verifier::VerifyDekPage));
    ROWSEAL_TRY(InPages(&Verifier::VerifyDestroyedPage));
    ROWSEAL_TRY(InPages(&Verifier::VerifySecretPage));
    ROWSEAL_TRY(InPages(&Verifier::VerifyVersionPage));
    ROWSEAL_TRY(InPages(&Verifier::CompareWithLog));
    return report_;
  }

 private:
  // What rows call themselves may steer a terminal or forge a line.
  void Report(FailureClass failure, std::string row, std::string message) {
    row = Escaped(row);
    message = Escaped(message);
    ++report_.failures;
    on_failure_({failure, std::move(row), std::move(message)});
  }

  // A root that does not answer or missing memory says nothing about a row.
  Result<void> ReportUnlessPassing(FailureClass failure, std::string row, const Error& error) {
    if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kResourceExhausted) {
      return tl::unexpected(error);
    }
    Report(failure, std::move(row), error.message);
    return {};
  }

  // Calls `page` until it says that it was the last one.
  Result<void> InPages(Result<bool> (Verifier::*page)(TrustedRead&)) {
    after_.clear();
    bool more = true;
    while (more) {
      ROWSEAL_ASSIGN(more,
                     ReadTrusted(client_, [&](TrustedRead& read) { return (this->*page)(read); }));
      if (on_progress_) {
        on_progress_(report_);
      }
    }
    return {};
  }

  Result<void> VerifyTrust(TrustedRead& read) {
    for (const KekRecord& kek : read.trust().rows.keks) {
      report_.keks += kek.purpose == KekPurpose::kWrap ? 1 : 0;
      if (const auto opened = read.session().keyring().OpenKek(kek.id); !opened) {
        ROWSEAL_TRY(
            ReportUnlessPassing(FailureClass::kTrustRow, "kek " + ToText(kek.id), opened.error()));
      }
    }
    ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(read));
    for (const UnreadRow& column : columns.unreadable) {
      Report(FailureClass::kTrustRow, "sealed_column " + column.row, column.message);
    }
    return {};
  }

  // The next rows of a table, and whether more may follow.
  Result<Rows> NextRows(TrustedRead& read, const PageSql& sql, std::size_t keys) {
    return NextPage(read.connection(), sql, {}, after_, keys, kVerifyPage);
  }
  static bool MayGoOn(const Rows& page) {
    return static_cast<std::int64_t>(page.rows.size()) == kVerifyPage;
  }
  // `dek acme/45c4…`: a row by its keys, whatever they hold.
  static std::string Named(std::string_view table, const Row& row, std::size_t keys) {
    std::string name(table);
    for (std::size_t i = 0; i < keys; ++i) {
      name += (i == 0 ? " " : "/") + ShownCell(row, i);
    }
    return name;
  }

  Result<bool> VerifyDekPage(TrustedRead& read) {
    static const PageSql sql(DekQuery(""), "", "(d.project_id, d.id)", "($2, $3)");
    ROWSEAL_ASSIGN(Rows page, NextRows(read, sql, 2));
    for (Row& row : page.rows) {
      ++report_.deks;
      std::string name = Named("dek", row, 2);
      const Result<DekAndKek> dek = ReadDekRow(row);
      const auto opened = dek ? read.session().keyring().OpenDek(dek->dek)
                              : Result<std::shared_ptr<const Dek>>(tl::unexpected(dek.error()));
      if (!opened) {
        ROWSEAL_TRY(ReportUnlessPassing(FailureClass::kKey, std::move(name), opened.error()));
      }
    }
    return MayGoOn(page);
  }

  // A DEK's row that was put back after its destruction has a tag that stands; the evidence names
  // it. A KEK that was put back fails the set.
  Result<bool> VerifyDestroyedPage(TrustedRead& read) {
    static const PageSql sql(
        "SELECT d.project_id, d.id FROM rowseal.dek d",
        "EXISTS (SELECT 1 FROM rowseal.destroyed_key g WHERE g.project_id = d.project_id"
        " AND g.kind = 'dek' AND g.id = CAST(d.id AS text))",
        "(d.project_id, d.id)", "($2, $3)");
    ROWSEAL_ASSIGN(const Rows page, NextRows(read, sql, 2));
    for (const Row& row : page.rows) {
      Report(FailureClass::kReplay, Named("dek", row, 2),
             "the store's evidence says that it was destroyed");
    }
    return MayGoOn(page);
  }

  // A secret's row must be the one that was written last, and hold as many versions as it counts.
  Result<bool> VerifySecretPage(TrustedRead& read) {
    static const PageSql sql(
        "SELECT s.project_id, s.id, s.id, substr(s.kind, 1, 256), s.next_version, s.lowest_version,"
        " s.created_at, substr(s.attributes, 1, 65537), " ROWSEAL_MAC_COLUMNS("h") ","
        " substr(s.name, 1, 256),"
        " (SELECT count(*) FROM rowseal.secret_version v WHERE v.project_id = s.project_id"
        "   AND v.secret_id = s.id AND v.version BETWEEN s.lowest_version AND s.next_version - 1),"
        " (SELECT count(*) FROM rowseal.secret_version v WHERE v.project_id = s.project_id"
        "   AND v.secret_id = s.id)"
        " FROM rowseal.secret s LEFT JOIN rowseal.secret_mac h ON h.project_id = s.project_id"
        "  AND h.secret_id = s.id",
        "", "(s.project_id, s.id)", "($2, $3)");
    ROWSEAL_ASSIGN(Rows page, NextRows(read, sql, 2));
    for (Row& row : page.rows) {
      ROWSEAL_TRY(VerifySecret(read, row));
    }
    return MayGoOn(page);
  }

  Result<void> VerifySecret(TrustedRead& read, Row& row) {
    ++report_.secrets;
    const std::string row_name = Named("secret", row, 2);
    const Row key = KeysOf(row, 2);
    RowReader reader(row);
    const Result<ProjectId> project = ProjectId::Parse(reader.Text());
    reader.Skip();
    SecretHead head;
    const Defect defect = ReadFields(reader, head);
    const Result<SecretName> name =
        defect ? Fail(ErrorCode::kIntegrity,
                      "its " + std::string(defect.field) + " " + std::string(defect.why))
               : SecretName::Parse(reader.Text());
    const Result<void> proven = !project ? tl::unexpected(project.error())
                                : !name  ? tl::unexpected(name.error())
                                         : CheckLastWritten(read.session(), *project, *name, head);
    if (!proven) {
      Report(FailureClass::kReplay, row_name, proven.error().message);
    }
    const std::int64_t kept = defect ? 0 : reader.Integer();
    const std::int64_t all = defect ? 0 : reader.Integer();
    if (!defect && (kept != head.next_version.value - head.lowest_version.value || all != kept)) {
      return NameVersions(read, key, head);
    }
    return {};
  }

  // Which of the versions that a secret counts are not there, of very many the first ones; and
  // which are there that it does not count.
  Result<void> NameVersions(TrustedRead& read, const Row& secret, const SecretHead& head) {
    constexpr std::int64_t kMostNamed = 1000;
    std::vector<Param> params;
    AppendKeys(KeysOf(secret, 2), params);
    ROWSEAL_ASSIGN(const Rows rows,
                   read.connection().Execute(Statement::Sql(
                       "SELECT version FROM rowseal.secret_version WHERE project_id = $1"
                       " AND secret_id = $2",
                       std::move(params))));
    std::set<std::int64_t> kept;
    for (const Row& row : rows.rows) {
      const auto* const version = std::get_if<std::int64_t>(&row.front());
      kept.insert(version == nullptr ? 0 : *version);
    }
    const std::string name = "secret_version " + ShownCell(secret, 0) + "/" + ShownCell(secret, 1);
    for (const std::int64_t version : kept) {
      if (version < head.lowest_version.value || version >= head.next_version.value) {
        Report(FailureClass::kReplay, name + "/" + std::to_string(version),
               "its secret does not count it");
      }
    }
    std::int64_t named = 0;
    for (std::int64_t version = head.lowest_version.value;
         version < head.next_version.value && named < kMostNamed; ++version) {
      if (!kept.contains(version)) {
        ++named;
        Report(FailureClass::kMissing, name + "/" + std::to_string(version),
               "its secret counts it, and it is not there");
      }
    }
    return {};
  }

  // Finds how far the next page of versions reaches without reading ciphertext. One that is larger
  // than any that Rowseal writes is a page of its own, and only named.
  struct Bound {
    Row key;
    bool too_large = false;
  };
  Result<Bound> NextBound(TrustedRead& read) {
    static const PageSql sql(
        "SELECT project_id, secret_id, version, length(encrypted_data)"
        " FROM rowseal.secret_version",
        "", "(project_id, secret_id, version)", "($2, $3, $4)");
    Row ignored = after_;
    ROWSEAL_ASSIGN(const Rows sizes,
                   NextPage(read.connection(), sql, {}, ignored, kVersionKeys, kVerifyPage));
    Bound bound;
    std::int64_t bytes = 0;
    for (const Row& row : sizes.rows) {
      const auto* const size = std::get_if<std::int64_t>(&row[kVersionKeys]);
      const bool too_large = size != nullptr && *size > kSealedBytes.most;
      bytes += size == nullptr || too_large ? 0 : *size;
      if (!bound.key.empty() && (bytes > kVerifyPageBytes || too_large)) {
        break;
      }
      bound = {KeysOf(row, kVersionKeys), too_large};
      if (too_large) {
        break;
      }
    }
    return bound;
  }

  Result<Rows> ReadVersions(TrustedRead& read, const Row& up_to) {
    static const std::string select =
        "SELECT v.project_id, v.secret_id, v.version, " + StoredVersionColumns() +
        " FROM rowseal.secret_version v"
        " LEFT JOIN rowseal.secret s ON s.project_id = v.project_id AND s.id = v.secret_id"
        " LEFT JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
        " LEFT JOIN rowseal.kek k ON k.id = d.kek_id" +
        std::string(kJoinVersionMac) +
        " WHERE (v.project_id, v.secret_id, v.version) <= ($1, $2, $3)";
    static const std::string order = " ORDER BY v.project_id, v.secret_id, v.version";
    static const std::string first = select + order;
    static const std::string next =
        select + " AND (v.project_id, v.secret_id, v.version) > ($4, $5, $6)" + order;
    std::vector<Param> params;
    AppendKeys(up_to, params);
    AppendKeys(after_, params);
    return read.connection().Execute(
        Statement::Sql(after_.empty() ? first : next, std::move(params)));
  }

  Result<bool> VerifyVersionPage(TrustedRead& read) {
    ROWSEAL_ASSIGN(Bound bound, NextBound(read));
    if (bound.key.empty()) {
      return false;
    }
    if (bound.too_large) {
      ++report_.versions;
      Report(FailureClass::kCiphertext, Named("secret_version", bound.key, kVersionKeys),
             "its ciphertext is larger than any that Rowseal writes");
    } else {
      ROWSEAL_ASSIGN(Rows page, ReadVersions(read, bound.key));
      for (Row& row : page.rows) {
        ROWSEAL_TRY(VerifyVersion(read, row));
      }
    }
    after_ = std::move(bound.key);
    return true;
  }

  Result<void> VerifyVersion(TrustedRead& read, Row& row) {
    ++report_.versions;
    const std::string name = Named("secret_version", row, kVersionKeys);
    RowReader reader(row);
    const std::string project_text = reader.Text();
    reader.Skip(2);
    const Result<ProjectId> project = ProjectId::Parse(project_text);
    const Result<StoredVersion> version =
        project ? ReadStoredVersion(*project, reader) : tl::unexpected(project.error());
    if (!version) {
      Report(FailureClass::kCiphertext, name, "its secret or its DEK is gone or was changed");
      return {};
    }
    const auto dek = OpenDekOf(read.session(), *version);
    if (!dek && read.trust().IsBelowFloor(version->dek.dek)) {
      Report(FailureClass::kReplay, name, dek.error().message);
      return {};
    }
    if (!dek && dek.error().code == ErrorCode::kRefusedByState) {
      ++report_.suspended;
      return {};
    }
    if (!dek) {
      return ReportUnlessPassing(FailureClass::kKey, name, dek.error());
    }
    if (const auto value = OpenUnder(**dek, read.session(), *project, *version); !value) {
      return ReportUnlessPassing(FailureClass::kCiphertext, name, value.error());
    }
    if (const auto written = CheckLastWritten(read.session(), *project, *version); !written) {
      Report(FailureClass::kReplay, name, written.error().message);
    }
    return {};
  }

  // Secrets of one project: those that are there, and those that the log says were deleted.
  struct KnownSecrets {
    std::set<std::string> there;
    std::set<std::string> deleted;
  };
  Result<std::set<std::string>> ReadSet(TrustedRead& read, std::string_view sql,
                                        const std::vector<Param>& project) {
    ROWSEAL_ASSIGN(const Rows rows, read.connection().Execute(Statement::Sql(sql, project)));
    std::set<std::string> texts;
    for (const Row& row : rows.rows) {
      texts.insert(TextAt(row, 0));
    }
    return texts;
  }

  // A secret that the log knows, that is not there, and that nobody deleted; and one that was
  // deleted and is there. One project at a time: its log once, its secrets by their ids.
  Result<bool> CompareWithLog(TrustedRead& read) {
    static const PageSql sql("SELECT project_id FROM rowseal.audit_log", "", "project_id", "$2");
    ROWSEAL_ASSIGN(const Rows next, NextPage(read.connection(), sql, {}, after_, 1, 1));
    if (next.rows.empty()) {
      return false;
    }
    const std::string secret = "secret " + ShownCell(next.rows.front(), 0) + "/";
    std::vector<Param> project;
    AppendKeys(after_, project);
    KnownSecrets known;
    ROWSEAL_ASSIGN(known.there,
                   ReadSet(read, "SELECT id FROM rowseal.secret WHERE project_id = $1", project));
    ROWSEAL_ASSIGN(
        known.deleted,
        ReadSet(read,
                "SELECT " ROWSEAL_BOUNDED(
                    "object") " FROM rowseal.audit_log"
                              " WHERE project_id = $1 AND action = 'delete' AND outcome = 'done'",
                project));
    for (const std::string& id : known.deleted) {
      if (known.there.contains(id)) {
        Report(FailureClass::kReplay, secret + id, "the log says that it was deleted");
      }
    }
    Row after;
    std::set<std::string> missing;
    while (true) {
      static const PageSql puts(
          "SELECT id, " ROWSEAL_BOUNDED("object") " FROM rowseal.audit_log",
          "project_id = $2 AND action IN ('put', 'rollback') AND outcome = 'done'", "id", "$3");
      ROWSEAL_ASSIGN(const Rows page,
                     NextPage(read.connection(), puts, project, after, 1, kVerifyPage));
      for (const Row& row : page.rows) {
        AddMissing(TextAt(row, 1), known, missing);
      }
      if (!MayGoOn(page)) {
        break;
      }
    }
    for (const std::string& id : missing) {
      Report(FailureClass::kMissing, secret + id,
             "the log says it was written, and nobody deleted it");
    }
    return true;
  }

  // An entry names what it stored as `ID@VERSION ID@VERSION …`.
  static void AddMissing(std::string_view object, const KnownSecrets& known,
                         std::set<std::string>& missing) {
    while (!object.empty()) {
      const std::string_view item = object.substr(0, object.find(' '));
      object.remove_prefix(std::min(item.size() + 1, object.size()));
      const std::string id(item.substr(0, item.find('@')));
      if (!id.empty() && !known.there.contains(id) && !known.deleted.contains(id)) {
        missing.insert(id);
      }
    }
  }

  Client& client_;
  const std::function<void(const VerifyFailure&)>& on_failure_;
  const std::function<void(const VerifyReport&)>& on_progress_;
  VerifyReport report_;
  Row after_;  // the keys of the last row that was looked at
};

}  // namespace

std::string_view ToText(FailureClass failure) noexcept {
  constexpr ClosedSet<FailureClass, 5> kClasses{
      {"trust_row", "key", "ciphertext", "replay", "missing"}};
  return kClasses.TextOf(failure);
}

Result<VerifyReport> Verify(Client& client,
                            const std::function<void(const VerifyFailure&)>& on_failure,
                            const std::function<void(const VerifyReport&)>& on_progress) {
  return Verifier(client, on_failure, on_progress).Run();
}

}  // namespace rowseal
