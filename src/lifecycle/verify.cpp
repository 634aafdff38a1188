#include <tuple>

#include <rowseal/lifecycle.h>

#include "base/closed_set.h"
#include "client/change.h"
#include "client/columns.h"
#include "client/secret_reseal.h"
#include "crypto/mac.h"
#include "store/key_order.h"

namespace rowseal {
namespace {

constexpr std::int64_t kVerifyPage = 256;  // rows
constexpr std::int64_t kVerifyPageBytes =
    8LL * 1024 * 1024;  // of ciphertext; one larger row is alone

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
    ROWSEAL_TRY(InPages(&Verifier::VerifyLoggedVersionPage));
    ROWSEAL_TRY(InPages(&Verifier::CompareWithLog));
    return report_;
  }

 private:
  void Report(FailureClass failure, std::string row, std::string message) {
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
    key_ = {};
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
    if (const auto columns = ReadColumns(read); !columns) {
      if (columns.error().code != ErrorCode::kIntegrity) {
        return tl::unexpected(columns.error());
      }
      Report(FailureClass::kTrustRow, "sealed_column", columns.error().message);
    }
    return {};
  }

  Result<bool> VerifyDekPage(TrustedRead& read) {
    static const std::string sql =
        DekQuery("WHERE (d.project_id, d.id) > ($1, $2) ORDER BY d.project_id, d.id LIMIT $3");
    ROWSEAL_ASSIGN(Rows page, read.connection().Execute(
                                  Statement::Sql(sql, {key_.project, key_.id, kVerifyPage})));
    for (Row& row : page.rows) {
      key_.project = TextAt(row, 0);
      key_.id = TextAt(row, 1);
      ++report_.deks;
      const Result<DekAndKek> dek = ReadDekRow(row);
      const auto opened = dek ? read.session().keyring().OpenDek(dek->dek)
                              : Result<std::shared_ptr<const Dek>>(tl::unexpected(dek.error()));
      if (!opened) {
        ROWSEAL_TRY(ReportUnlessPassing(FailureClass::kKey, "dek " + key_.project + "/" + key_.id,
                                        opened.error()));
      }
    }
    return static_cast<std::int64_t>(page.rows.size()) == kVerifyPage;
  }

  // A DEK's row that was put back after its destruction has a tag that stands; the evidence names
  // it. A KEK that was put back fails the set.
  Result<bool> VerifyDestroyedPage(TrustedRead& read) {
    ROWSEAL_ASSIGN(
        Rows page,
        read.connection().Execute(Statement::Sql(
            "SELECT d.project_id, d.id FROM rowseal.dek d WHERE (d.project_id, d.id) > ($1, $2)"
            " AND EXISTS (SELECT 1 FROM rowseal.destroyed_key g WHERE g.project_id = d.project_id"
            "  AND g.kind = 'dek' AND g.id = CAST(d.id AS text))"
            " ORDER BY d.project_id, d.id LIMIT $3",
            {key_.project, key_.id, kVerifyPage})));
    for (const Row& row : page.rows) {
      key_.project = TextAt(row, 0);
      key_.id = TextAt(row, 1);
      Report(FailureClass::kReplay, "dek " + key_.project + "/" + key_.id,
             "the store's evidence says that it was destroyed");
    }
    return static_cast<std::int64_t>(page.rows.size()) == kVerifyPage;
  }

  // A secret's newest version must be there, and be the newest that the log knows.
  Result<bool> VerifySecretPage(TrustedRead& read) {
    ROWSEAL_ASSIGN(Rows page,
                   read.connection().Execute(Statement::Sql(
                       "SELECT s.project_id, s.id, s.next_version,"
                       " (SELECT coalesce(max(v.version), 0) FROM rowseal.secret_version v"
                       "  WHERE v.project_id = s.project_id AND v.secret_id = s.id),"
                       " (SELECT coalesce(max(a.version), 0) FROM rowseal.audit_item a"
                       "  WHERE a.project_id = s.project_id AND a.secret_id = s.id)"
                       " FROM rowseal.secret s WHERE (s.project_id, s.id) > ($1, $2)"
                       " ORDER BY s.project_id, s.id LIMIT $3",
                       {key_.project, key_.id, kVerifyPage})));
    for (Row& row : page.rows) {
      RowReader reader(row);
      key_.project = reader.Text();
      key_.id = reader.Text();
      const std::int64_t newest_expected = reader.Integer() - 1;
      const std::int64_t newest_stored = reader.Integer();
      const std::int64_t newest_logged = reader.Integer();
      ROWSEAL_TRY(reader.status());
      ++report_.secrets;
      if (newest_stored < 1 || newest_stored != newest_expected || newest_stored != newest_logged) {
        Report(FailureClass::kMissing, "secret " + key_.project + "/" + key_.id,
               "its newest version is " + std::to_string(newest_stored) + ", the counter says " +
                   std::to_string(newest_expected) + " and the log " +
                   std::to_string(newest_logged));
      }
    }
    return static_cast<std::int64_t>(page.rows.size()) == kVerifyPage;
  }

  // Finds how far the next page of versions reaches without reading ciphertext.
  struct Bound {
    std::string project;
    std::string id;
    std::int64_t version = 0;
    bool any = false;
  };
  Result<Bound> NextBound(TrustedRead& read) {
    ROWSEAL_ASSIGN(Rows sizes, read.connection().Execute(Statement::Sql(
                                   "SELECT project_id, secret_id, version, length(encrypted_data)"
                                   " FROM rowseal.secret_version"
                                   " WHERE (project_id, secret_id, version) > ($1, $2, $3)"
                                   " ORDER BY project_id, secret_id, version LIMIT $4",
                                   {key_.project, key_.id, key_.version, kVerifyPage})));
    Bound bound;
    std::int64_t bytes = 0;
    for (Row& row : sizes.rows) {
      RowReader reader(row);
      Bound candidate{reader.Text(), reader.Text(), reader.Integer(), true};
      bytes += reader.Integer();
      ROWSEAL_TRY(reader.status());
      if (bound.any && bytes > kVerifyPageBytes) {
        break;
      }
      bound = std::move(candidate);
    }
    return bound;
  }

  Result<bool> VerifyVersionPage(TrustedRead& read) {
    ROWSEAL_ASSIGN(const Bound bound, NextBound(read));
    if (!bound.any) {
      return false;
    }
    static const std::string sql =
        "SELECT v.project_id, v.secret_id, v.version,"
        " (SELECT a.write_mac FROM rowseal.audit_item a WHERE a.project_id = v.project_id"
        "   AND a.secret_id = v.secret_id AND a.version = v.version"
        "   ORDER BY a.number DESC LIMIT 1), " +
        StoredVersionColumns() +
        " FROM rowseal.secret_version v"
        " LEFT JOIN rowseal.secret s ON s.project_id = v.project_id AND s.id = v.secret_id"
        " LEFT JOIN rowseal.dek d ON d.project_id = v.project_id AND d.id = v.dek_id"
        " LEFT JOIN rowseal.kek k ON k.id = d.kek_id"
        " WHERE (v.project_id, v.secret_id, v.version) > ($1, $2, $3)"
        "  AND (v.project_id, v.secret_id, v.version) <= ($4, $5, $6)"
        " ORDER BY v.project_id, v.secret_id, v.version";
    ROWSEAL_ASSIGN(
        Rows page,
        read.connection().Execute(Statement::Sql(
            sql, {key_.project, key_.id, key_.version, bound.project, bound.id, bound.version})));
    for (Row& row : page.rows) {
      ROWSEAL_TRY(VerifyVersion(read, row));
    }
    key_ = {bound.project, bound.id, bound.version};
    return true;
  }

  Result<void> VerifyVersion(TrustedRead& read, Row& row) {
    ++report_.versions;
    RowReader reader(row);
    const std::string project_text = reader.Text();
    const std::string secret_text = reader.Text();
    const std::string name = "secret_version " + project_text + "/" + secret_text + "/" +
                             std::to_string(reader.Integer());
    const bool logged = !reader.NextIsNull();
    const Bytes write_mac = logged ? reader.Blob() : Bytes();
    if (!logged) {
      reader.Skip();
    }
    const Result<ProjectId> project = ProjectId::Parse(project_text);
    const Result<StoredVersion> version =
        project ? ReadStoredVersion(*project, reader) : tl::unexpected(project.error());
    if (!version) {
      Report(FailureClass::kCiphertext, name, "its secret or its DEK is gone or was changed");
      return {};
    }
    const auto dek = OpenDekOf(read.session(), *version);
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
    const Result<Bytes> expected = read.integrity().WriteMac(
        ContextOf(read.session(), *project, *version), version->nonce, version->encrypted_data);
    if (!logged || !expected || !EqualInConstantTime(*expected, write_mac)) {
      Report(FailureClass::kReplay, name,
             "it opens, but it is not what the log says was written last");
    }
    return {};
  }

  // Every version of a secret is kept, so each one that the log names must be there. Reads no
  // ciphertext; a secret that is gone as a whole is CompareWithLog's.
  Result<bool> VerifyLoggedVersionPage(TrustedRead& read) {
    ROWSEAL_ASSIGN(
        Rows page,
        read.connection().Execute(Statement::Sql(
            "SELECT a.project_id, a.secret_id, a.version, s.id, v.version"
            " FROM (SELECT DISTINCT project_id, secret_id, version FROM rowseal.audit_item"
            "  WHERE (project_id, secret_id, version) > ($1, $2, $3)"
            "  ORDER BY project_id, secret_id, version LIMIT $4) a"
            " LEFT JOIN rowseal.secret s ON s.project_id = a.project_id AND s.id = a.secret_id"
            " LEFT JOIN rowseal.secret_version v ON v.project_id = a.project_id"
            "  AND v.secret_id = a.secret_id AND v.version = a.version"
            " ORDER BY a.project_id, a.secret_id, a.version",
            {key_.project, key_.id, key_.version, kVerifyPage})));
    for (Row& row : page.rows) {
      RowReader reader(row);
      key_ = {reader.Text(), reader.Text(), reader.Integer()};
      const bool has_secret = !reader.NextIsNull();
      reader.Skip();
      const bool has_version = !reader.NextIsNull();
      reader.Skip();
      ROWSEAL_TRY(reader.status());
      if (has_secret && !has_version) {
        Report(
            FailureClass::kMissing,
            "secret_version " + key_.project + "/" + key_.id + "/" + std::to_string(key_.version),
            "the log says it was written, and its secret is there");
      }
    }
    return static_cast<std::int64_t>(page.rows.size()) == kVerifyPage;
  }

  // A secret that the log knows, that is not there, and that nobody deleted; and one that was
  // deleted and is there. One project at a time.
  Result<bool> CompareWithLog(TrustedRead& read) {
    ROWSEAL_ASSIGN(Rows next, read.connection().Execute(Statement::Sql(
                                  "SELECT project_id FROM rowseal.audit_item WHERE project_id > $1"
                                  " ORDER BY project_id LIMIT 1",
                                  {key_.project})));
    if (next.rows.empty()) {
      return false;
    }
    key_.project = TextAt(next.rows.front(), 0);
    ROWSEAL_ASSIGN(
        Rows missing,
        read.connection().Execute(Statement::Sql(
            "SELECT CAST(secret_id AS text) FROM rowseal.audit_item WHERE project_id = $1"
            " EXCEPT SELECT CAST(id AS text) FROM rowseal.secret WHERE project_id = $1"
            " EXCEPT SELECT object FROM rowseal.audit_log WHERE project_id = $1"
            "  AND action = 'delete' AND outcome = 'done'",
            {key_.project})));
    for (Row& row : missing.rows) {
      RowReader reader(row);
      Report(FailureClass::kMissing, "secret " + key_.project + "/" + reader.Text(),
             "the log says it was written, and nobody deleted it");
    }
    ROWSEAL_ASSIGN(Rows put_back,
                   read.connection().Execute(Statement::Sql(
                       "SELECT s.id FROM rowseal.audit_log a JOIN rowseal.secret s"
                       " ON s.project_id = a.project_id AND CAST(s.id AS text) = a.object"
                       " WHERE a.project_id = $1 AND a.action = 'delete' AND a.outcome = 'done'",
                       {key_.project})));
    for (Row& row : put_back.rows) {
      RowReader reader(row);
      Report(FailureClass::kReplay, "secret " + key_.project + "/" + reader.Text(),
             "the log says that it was deleted");
    }
    return true;
  }

  struct Key {
    std::string project;
    std::string id{kBeforeAnyId};
    std::int64_t version = 0;
  };

  Client& client_;
  const std::function<void(const VerifyFailure&)>& on_failure_;
  const std::function<void(const VerifyReport&)>& on_progress_;
  VerifyReport report_;
  Key key_;
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
