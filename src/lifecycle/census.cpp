#include <algorithm>
#include <map>

#include <rowseal/lifecycle.h>

#include "base/closed_set.h"
#include "base/encoding.h"
#include "client/columns.h"
#include "envelope/sealed_text.h"
#include "envelope/sealed_value.h"
#include "lifecycle/kek_notes.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

constexpr std::size_t kRowsAtOnce = 1000;
constexpr std::int64_t kBytesAtOnce = 8LL * 1024 * 1024;
constexpr std::int64_t kFirstProjects = 10;

using Censuses = std::map<std::int64_t, KekCensus>;  // by KEK

// Of the KEK whose number a row begins with.
Censuses::iterator FindCensus(Censuses& censuses, const Row& row) {
  const auto* const kek = std::get_if<std::int64_t>(&row.at(0));
  return kek == nullptr ? censuses.end() : censuses.find(*kek);
}

// A row for each KEK, purpose and state. What is none that there is may need any KEK.
Result<void> CountDeks(Connection& connection, Censuses& censuses,
                       std::vector<UnreadRow>& unreadable) {
  ROWSEAL_ASSIGN(Rows answer,
                 connection.Execute(Statement::Sql(
                     "SELECT kek_id, substr(purpose, 1, 80), substr(state, 1, 80), count(*),"
                     " count(drained_at) FROM rowseal.dek GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")));
  for (Row& row : answer.rows) {
    const auto found = FindCensus(censuses, row);
    RowReader counts(row);
    counts.Skip(3);
    const DekCount count{KnownOrNothing(ParseDekPurpose(TextAt(row, 1))),
                         KnownOrNothing(ParseKeyState(TextAt(row, 2))), counts.Integer(),
                         counts.Integer()};
    ROWSEAL_TRY(counts.status());
    if (found != censuses.end()) {
      found->second.deks.push_back(count);
    }
    if (found == censuses.end() || !count.purpose || !count.state) {
      unreadable.push_back({std::to_string(count.deks) + " DEKs of KEK " + ShownCell(row, 0),
                            found == censuses.end()
                                ? std::string("there is no such KEK that wraps")
                                : "their purpose is '" + ShownCell(row, 1) + "' and their state '" +
                                      ShownCell(row, 2) + "'"});
    }
  }
  return {};
}

Result<void> NameProjects(Connection& connection, KekCensus& census) {
  ROWSEAL_ASSIGN(
      census.projects,
      OneNumber(connection, "SELECT count(DISTINCT project_id) FROM rowseal.dek WHERE kek_id = $1",
                {census.id.value}));
  ROWSEAL_ASSIGN(const Rows names, connection.Execute(Statement::Sql(
                                       "SELECT DISTINCT project_id FROM rowseal.dek"
                                       " WHERE kek_id = $1 ORDER BY project_id LIMIT $2",
                                       {census.id.value, kFirstProjects})));
  for (const Row& row : names.rows) {
    census.first_projects.push_back(ShownCell(row, 0));
  }
  return {};
}

Result<void> CountSecrets(Connection& connection, Censuses& censuses) {
  for (auto& [id, census] : censuses) {
    census.secrets = census.versions = census.values = 0;
  }
  ROWSEAL_ASSIGN(
      Rows answer,
      connection.Execute(Statement::Sql(
          "SELECT kek_id, count(*), CAST(sum(versions) AS bigint) FROM (SELECT d.kek_id, "
          "v.project_id,"
          "  v.secret_id, count(*) AS versions FROM rowseal.secret_version v JOIN rowseal.dek d"
          "  ON d.project_id = v.project_id AND d.id = v.dek_id"
          "  GROUP BY d.kek_id, v.project_id, v.secret_id) AS by_secret GROUP BY kek_id")));
  for (Row& row : answer.rows) {
    const auto found = FindCensus(censuses, row);
    RowReader counts(row);
    counts.Skip();
    const std::int64_t secrets = counts.Integer();
    const std::int64_t versions = counts.Integer();
    ROWSEAL_TRY(counts.status());
    if (found != censuses.end()) {
      found->second.secrets = secrets;
      found->second.versions = versions;
    }
  }
  return {};
}

Result<std::map<std::string, std::int64_t>> KekOfEachDek(Connection& connection) {
  ROWSEAL_ASSIGN(Rows answer, connection.Execute(Statement::Sql(
                                  "SELECT id, kek_id FROM rowseal.dek WHERE purpose <> 'secret'")));
  std::map<std::string, std::int64_t> keks;
  for (const Row& row : answer.rows) {
    if (const auto* const kek = std::get_if<std::int64_t>(&row[1])) {
      keks[TextAt(row, 0)] = *kek;
    }
  }
  return keks;
}

Result<void> CountColumn(AppColumn& column, const std::map<std::string, std::int64_t>& keks,
                         Censuses& censuses) {
  std::string position;
  while (true) {
    ROWSEAL_ASSIGN(const std::vector<AppValue> rows,
                   column.Read(position, kRowsAtOnce, kBytesAtOnce));
    if (rows.empty()) {
      return {};
    }
    position = rows.back().position;
    for (const AppValue& row : rows) {
      for (const SealedSpan& span : FindSealedValues(row.text)) {
        const Result<SealedValue> value =
            DecodeSealedValue(std::string_view(row.text).substr(span.offset, span.size));
        const auto kek = value ? keks.find(ToText(value->dek)) : keks.end();
        if (kek != keks.end() && censuses.contains(kek->second)) {
          ++*censuses[kek->second].values;
        }
      }
    }
  }
}

}  // namespace

Result<Listing<KekCensus>> TakeCensus(Client& client, CountFrom count) {
  return ReadTrusted(client, [&](TrustedRead& read) -> Result<Listing<KekCensus>> {
    Connection& connection = read.connection();
    ROWSEAL_ASSIGN(const auto notes, ReadKekNotes(connection));
    Censuses censuses;
    Listing<KekCensus> result;
    for (const KekRecord& kek : read.trust().rows.keks) {
      if (kek.purpose == KekPurpose::kWrap) {
        KekCensus census;
        census.id = kek.id;
        census.scope = kek.scope;
        census.state = kek.state;
        census.created_at = kek.created_at;
        const KekNotes& note = notes.at(kek.id);
        census.destroy_at = note.destroy_at;
        if (!note.defect.empty()) {
          result.unreadable.push_back({"KEK " + ToText(kek.id), note.defect});
        }
        ROWSEAL_TRY(NameProjects(connection, census));
        censuses.emplace(kek.id.value, std::move(census));
      }
    }
    ROWSEAL_TRY(CountDeks(connection, censuses, result.unreadable));
    if (count == CountFrom::kEveryRow) {
      ROWSEAL_TRY(CountSecrets(connection, censuses));
      ROWSEAL_ASSIGN(const auto keks, KekOfEachDek(connection));
      ROWSEAL_ASSIGN(const Listing<ColumnRecord> columns, ReadColumns(read));
      result.unreadable.insert(result.unreadable.end(), columns.unreadable.begin(),
                               columns.unreadable.end());
      for (const ColumnRecord& column : columns) {
        if (column.source) {
          ROWSEAL_ASSIGN(const std::unique_ptr<AppColumn> place,
                         read.session().OpenAppColumn(*column.source));
          ROWSEAL_TRY(CountColumn(*place, keks, censuses));
        }
      }
    }
    for (auto& [id, census] : censuses) {
      result.push_back(std::move(census));
    }
    return result;
  });
}

}  // namespace rowseal
