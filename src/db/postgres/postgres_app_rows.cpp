#include "db/postgres/postgres_app_rows.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>

#include <rowseal/bytes.h>

#include "base/encoding.h"
#include "db/postgres/journal_functions.h"
#include "db/postgres/postgres_connection.h"
#include "db/postgres/postgres_content_sql.h"
#include "db/postgres/postgres_obstacles.h"
#include "db/postgres/postgres_place.h"
#include "memory/wipe.h"

namespace rowseal {
namespace {

constexpr int kLockTries = 30;
constexpr std::string_view kLocked = " FOR NO KEY UPDATE OF t SKIP LOCKED";

// The journal. Originals, each column's in a table of its own, are sealed; no table of the journal
// holds a value otherwise.
constexpr std::string_view kJournalSql = R"sql(
CREATE SCHEMA IF NOT EXISTS rowseal_migration;
CREATE TABLE IF NOT EXISTS rowseal_migration.migration_column (
  migration text, number bigint, guard text NOT NULL, paused boolean NOT NULL DEFAULT false,
  PRIMARY KEY (migration, number));
CREATE TABLE IF NOT EXISTS rowseal_migration.queued_row (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, migration text NOT NULL,
  number bigint NOT NULL, key text[] NOT NULL);
CREATE TABLE IF NOT EXISTS rowseal_migration.quarantined_row (
  migration text, number bigint, key text[], reason text NOT NULL,
  PRIMARY KEY (migration, number, key));
CREATE OR REPLACE FUNCTION rowseal_migration.as_json(p_text text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN p_text::jsonb;
EXCEPTION WHEN others THEN
  RETURN NULL;
END $$;
-- A step is `.name`, `#index` or `*`, as RFC 9535 has them.
CREATE OR REPLACE FUNCTION rowseal_migration.strings_at(p_value jsonb, p_steps text[])
RETURNS SETOF text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_kind text := jsonb_typeof(p_value);
  v_step text := p_steps[1];
BEGIN
  IF v_step IS NULL THEN
    IF v_kind = 'string' THEN
      RETURN NEXT p_value #>> '{}';
    END IF;
  ELSIF v_step = '*' AND v_kind = 'array' THEN
    RETURN QUERY SELECT s FROM jsonb_array_elements(p_value) AS e,
      rowseal_migration.strings_at(e, p_steps[2:]) AS s;
  ELSIF v_step = '*' AND v_kind = 'object' THEN
    RETURN QUERY SELECT s FROM jsonb_each(p_value) AS e,
      rowseal_migration.strings_at(e.value, p_steps[2:]) AS s;
  ELSIF left(v_step, 1) = '#' AND v_kind = 'array' THEN
    RETURN QUERY SELECT * FROM rowseal_migration.strings_at(
      p_value -> substr(v_step, 2)::int, p_steps[2:]);
  ELSIF left(v_step, 1) = '.' AND v_kind = 'object' THEN
    RETURN QUERY SELECT * FROM rowseal_migration.strings_at(
      p_value -> substr(v_step, 2), p_steps[2:]);
  END IF;
END $$;
REVOKE ALL ON FUNCTION rowseal_migration.as_json, rowseal_migration.strings_at FROM PUBLIC;
)sql";

std::span<std::uint8_t> BytesOf(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

void WipeParam(Param& param) {
  if (auto* texts = std::get_if<std::vector<std::string>>(&param)) {
    for (std::string& text : *texts) {
      Wipe(BytesOf(text));
    }
  } else if (auto* blobs = std::get_if<std::vector<Bytes>>(&param)) {
    for (Bytes& blob : *blobs) {
      Wipe(blob);
    }
  }
}

// Whoever may create a schema could have made the journal's, with triggers that read what is
// written there, which is plaintext. Its objects belong to this login, to the table's owner or a
// superuser.
Result<void> CheckJournalOwners(PostgresConnection& connection, const std::string& table) {
  ROWSEAL_ASSIGN(
      Rows found,
      connection.Execute(Statement::Sql(
          "SELECT coalesce(min(format('%s belongs to %s', o.name, pg_get_userbyid(o.owner))), '')"
          " FROM (SELECT 'schema rowseal_migration' AS name, n.nspowner AS owner"
          "   FROM pg_catalog.pg_namespace n WHERE n.nspname = 'rowseal_migration'"
          "  UNION ALL SELECT format('%s of it', c.relname), c.relowner FROM pg_catalog.pg_class c"
          "   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
          "   WHERE n.nspname = 'rowseal_migration'"
          "  UNION ALL SELECT format('function %s of it', p.proname), p.proowner"
          "   FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
          "   WHERE n.nspname = 'rowseal_migration') o"
          " WHERE o.owner NOT IN (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolsuper"
          "  OR r.rolname = current_user OR r.oid = (SELECT c.relowner FROM pg_catalog.pg_class c"
          "   WHERE c.oid = to_regclass(nullif($1::text, ''))))",
          {table})));
  RowReader reader(found.rows.front());
  const std::string foreign = reader.Text();
  ROWSEAL_TRY(reader.status());
  if (!foreign.empty()) {
    return Fail(ErrorCode::kIntegrity,
                "the journal of migrations is somebody else's: " + Printable(foreign),
                "find out who made it; drop it, or run the migration as the login that began it");
  }
  return {};
}

class PostgresAppRows final : public AppRows {
 public:
  PostgresAppRows(std::unique_ptr<PostgresConnection> connection, MigratedColumn column,
                  PostgresPlace place, std::string project, std::string join,
                  std::vector<std::string> names)
      : connection_(std::move(connection)),
        column_(std::move(column)),
        place_(std::move(place)),
        content_(place_, column_),
        project_(std::move(project)),
        join_(std::move(join)),
        names_(std::move(names)) {}

  Result<std::vector<Obstacle>> Inspect(Treatment treatment) override {
    return FindPostgresObstacles(*connection_, place_.table, column_.column,
                                 column_.path.has_value(), treatment);
  }

  Result<std::vector<SecretBytes>> Sample(std::size_t limit) override {
    const std::string sql = "SELECT " + content_.Of("t") + " FROM " + place_.rows +
                            " t WHERE NOT " + content_.IsEmpty("t") + " LIMIT $1";
    ROWSEAL_ASSIGN(Rows found,
                   RunOnApp(*connection_, Statement::Sql(sql, {static_cast<std::int64_t>(limit)}),
                            place_.table));
    std::vector<SecretBytes> contents;
    for (Row& row : found.rows) {
      RowReader reader(row);
      ROWSEAL_ASSIGN(SecretBytes content, TakeContent(reader));
      contents.push_back(std::move(content));
    }
    return contents;
  }

  Result<void> Install() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    if (installed) {
      return {};
    }
    return WithBriefLock([&]() -> Result<void> {
      // Somebody else may have been first while the lock was waited for.
      ROWSEAL_ASSIGN(const bool meanwhile, IsInstalled());
      if (meanwhile) {
        return {};
      }
      ROWSEAL_TRY(connection_->ExecuteScript(std::string(kJournalSql)));
      // What somebody made since the journal was last looked at is left alone.
      ROWSEAL_TRY(CheckJournalOwners(*connection_, place_.table));
      return connection_->ExecuteScript(OriginalTableSql() + GuardSql());
    });
  }

  // The trigger looks for other rows during a rollback: it changes with the word, or neither does.
  Result<void> SetGuard(Guard guard) override {
    ROWSEAL_ASSIGN(const std::optional<Guard> before, ReadGuard());
    if (before == guard) {
      return {};
    }
    std::string sql =
        "UPDATE rowseal_migration.migration_column SET guard = " + PostgresLiteral(ToText(guard)) +
        OfColumn() + ";";
    if (before == Guard::kReverse || guard == Guard::kReverse) {
      sql += TriggerSql(guard);
    }
    return WithBriefLock([&] { return connection_->ExecuteScript(sql); });
  }

  Result<std::optional<Guard>> ReadGuard() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    if (!installed) {
      return std::nullopt;
    }
    ROWSEAL_ASSIGN(const Rows found, Run("SELECT guard FROM rowseal_migration.migration_column"
                                         " WHERE migration = $1 AND number = $2"));
    return found.rows.empty() ? std::nullopt : ParseGuard(TextAt(found.rows.front(), 0));
  }

  Result<void> SetPaused(bool paused) override {
    return Forget(RunSql("UPDATE rowseal_migration.migration_column SET paused = " +
                         std::string(paused ? "true" : "false") + OfColumn()));
  }
  Result<bool> IsPaused() override {
    ROWSEAL_ASSIGN(const Rows found,
                   RunSql("SELECT 1::bigint FROM rowseal_migration.migration_column" + OfColumn() +
                          " AND paused"));
    return !found.rows.empty();
  }

  Result<void> Uninstall() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    if (!installed) {
      return {};
    }
    std::string sql = "DROP TRIGGER IF EXISTS " + GuardName() + " ON " + place_.table +
                      "; DROP FUNCTION IF EXISTS rowseal_migration." + GuardName() +
                      "(); DROP TABLE IF EXISTS " + OriginalTable() + ";";
    for (const std::string_view table : {"queued_row", "quarantined_row", "migration_column"}) {
      sql += "DELETE FROM rowseal_migration." + std::string(table) + OfColumn() + ";";
    }
    ROWSEAL_TRY(WithBriefLock([&] { return connection_->ExecuteScript(sql); }));
    ROWSEAL_ASSIGN(const Rows left,
                   connection_->Execute(Statement::Sql(
                       "SELECT 1::bigint FROM rowseal_migration.migration_column LIMIT 1")));
    if (!left.rows.empty()) {
      return {};
    }
    return connection_->ExecuteScript("DROP SCHEMA rowseal_migration CASCADE");
  }

  // A page is found by its keys. Of tables whose statistics are old, or that were never analyzed,
  // the planner would read the whole instead.
  Result<void> Begin() override {
    ROWSEAL_TRY(connection_->Begin(TransactionKind::kWrite));
    Result<void> set = connection_->ExecuteScript(
        "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
        " SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off");
    if (!set) {
      connection_->Rollback();
    }
    return set;
  }
  Result<void> Commit() override { return connection_->Commit(); }
  void Rollback() noexcept override { connection_->Rollback(); }

  Result<std::vector<MigratingRow>> Lock(RowsToLock which, const std::string& position,
                                         std::size_t limit, std::int64_t bytes) override {
    // A row that somebody changed meanwhile is looked at again once it is locked.
    return ReadPage(Condition(which, "t"), kLocked, OriginalsOf(which), position, limit, bytes);
  }

  Result<std::optional<MigratingRow>> LockKey(const std::vector<std::string>& key) override {
    if (key.size() != place_.keys.size()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the key of table " + Printable(place_.table) + " has " +
                      std::to_string(place_.keys.size()) + " parts, not " +
                      std::to_string(key.size()),
                  "give them in the order of the manifest's keys");
    }
    std::vector<Param> params;
    for (const std::string& part : key) {
      params.emplace_back(std::vector<std::string>{part});
    }
    ROWSEAL_ASSIGN(std::vector<MigratingRow> rows,
                   TakeRows(RunSql("SELECT " + RowColumns(Originals::kBeside) + " FROM " + Keys(1) +
                                       " JOIN " + place_.rows + " t ON " + KeysMatch() + join_ +
                                       OriginalJoin(Originals::kBeside) + " FOR NO KEY UPDATE OF t",
                                   std::move(params))));
    return rows.empty() ? std::nullopt : std::optional(std::move(rows.front()));
  }

  Result<Queued> LockQueued(RowsToLock which, std::size_t limit) override {
    std::string parts;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      parts += (i == 0 ? "key[" : ", key[") + std::to_string(i + 1) + "]";
    }
    ROWSEAL_ASSIGN(Rows taken,
                   Run("DELETE FROM rowseal_migration.queued_row WHERE id IN"
                       " (SELECT id FROM rowseal_migration.queued_row WHERE migration = $1"
                       "  AND number = $2 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)"
                       " RETURNING " +
                           parts,
                       {static_cast<std::int64_t>(limit)}));
    Queued queued;
    queued.taken = taken.rows.size();
    if (taken.rows.empty()) {
      return queued;
    }
    std::vector<std::vector<std::string>> keys(place_.keys.size());
    for (Row& row : taken.rows) {
      RowReader reader(row);
      for (std::vector<std::string>& part : keys) {
        part.push_back(reader.Text());
      }
      ROWSEAL_TRY(reader.status());
    }
    const auto from = [&](std::size_t first) {
      return " FROM (SELECT DISTINCT * FROM unnest(" + KeyArrays(first) + ")) AS n(" + KeyNames() +
             ") JOIN " + place_.rows + " t ON " + KeysMatch();
    };
    const std::string condition = " WHERE " + Condition(which, "t");
    std::vector<Param> params(keys.begin(), keys.end());
    const Originals originals = OriginalsOf(which);
    ROWSEAL_ASSIGN(queued.rows,
                   TakeRows(RunSql("SELECT " + RowColumns(originals) + from(1) + join_ +
                                       OriginalJoin(originals) + condition + std::string(kLocked),
                                   params)));
    // Rows that somebody else has locked come again.
    std::vector<std::vector<std::string>> locked(place_.keys.size());
    for (const MigratingRow& row : queued.rows) {
      for (std::size_t i = 0; i < locked.size(); ++i) {
        locked[i].push_back(row.key[i]);
      }
    }
    for (std::vector<std::string>& part : locked) {
      params.emplace_back(std::move(part));
    }
    std::string is_locked;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      is_locked +=
          (i == 0 ? "" : " AND ") + Numbered("l.k", i) + " = t." + place_.keys[i] + "::text";
    }
    ROWSEAL_TRY(
        Run("INSERT INTO rowseal_migration.queued_row (migration, number, key)"
            " SELECT $1, $2, " +
                KeyArrayOf("t") + from(3) + condition + " AND NOT EXISTS (SELECT FROM unnest(" +
                KeyArrays(3 + place_.keys.size()) + ") AS l(" + KeyNames() + ") WHERE " +
                is_locked + ")",
            std::move(params)));
    return queued;
  }

  Result<void> Write(const std::vector<RowWrite>& writes) override {
    if (writes.empty()) {
      return {};
    }
    ROWSEAL_ASSIGN(std::vector<Param> keys, KeyParams(writes));
    const bool is_null = !writes.front().content.has_value();
    std::vector<Param> params = keys;
    if (!is_null) {
      params.push_back(ContentsOf(writes));
    }
    const std::string sql = "UPDATE " + place_.rows + " t SET " + place_.column + " = " +
                            (is_null ? "NULL" : place_.CastOf("n.content")) + " FROM unnest(" +
                            KeyArrays(1) + (is_null ? "" : ", $" + std::to_string(params.size())) +
                            ") AS n(" + KeyNames() + (is_null ? "" : ", content") + ") WHERE " +
                            KeysMatch();
    Result<Rows> changed = RunOnApp(*connection_, Statement::Sql(sql, params), place_.table);
    if (!is_null) {
      WipeParam(params.back());
    }
    if (!changed) {
      return tl::unexpected(std::move(changed).error());
    }
    if (changed->changed != static_cast<std::int64_t>(writes.size())) {
      return Fail(ErrorCode::kConflict,
                  "table " + Printable(place_.table) + " took " + std::to_string(changed->changed) +
                      " of " + std::to_string(writes.size()) + " changes",
                  "a rule or trigger of the table keeps rows back: see rowseal migrate plan");
    }
    ROWSEAL_TRY(KeepOriginals(writes));
    return Forget(
        Run(DeleteSql("rowseal_migration.quarantined_row", Keys(3),
                      "r.migration = $1 AND r.number = $2 AND r.key = " + KeyArrayOf("n")),
            std::move(keys)));
  }

  Result<void> Quarantine(const std::vector<QuarantinedRow>& rows) override {
    if (rows.empty()) {
      return {};
    }
    ROWSEAL_ASSIGN(std::vector<Param> params, KeyParams(rows));
    std::vector<std::string> reasons;
    for (const QuarantinedRow& row : rows) {
      reasons.push_back(row.reason);
    }
    params.emplace_back(std::move(reasons));
    return Forget(
        Run("INSERT INTO rowseal_migration.quarantined_row"
            " SELECT $1, $2, " +
                KeyArrayOf("n") + ", n.reason FROM unnest(" + KeyArrays(3) + ", $" +
                std::to_string(3 + place_.keys.size()) + ") AS n(" + KeyNames() +
                ", reason) ON CONFLICT (migration, number, key)"
                " DO UPDATE SET reason = EXCLUDED.reason",
            std::move(params)));
  }

  Result<std::vector<MigratingRow>> Read(const std::string& position, std::size_t limit,
                                         std::int64_t bytes) override {
    ROWSEAL_TRY(Begin());
    Result<std::vector<MigratingRow>> rows =
        ReadPage("(" + HasOriginal("t") + " OR NOT " + content_.IsEmpty("t") + ")", {},
                 Originals::kBeside, position, limit, bytes);
    if (!rows) {
      Rollback();
      return rows;
    }
    ROWSEAL_TRY(Commit());
    return rows;
  }

  Result<MigrationCounts> Count() override {
    ROWSEAL_ASSIGN(const bool installed, IsInstalled());
    const std::string plaintext =
        installed || !column_.path ? content_.IsPlaintext("t") : "NOT " + content_.IsEmpty("t");
    const std::string is_quarantined = "EXISTS (SELECT FROM rowseal_migration.quarantined_row q" +
                                       OfColumn() + " AND q.key = " + KeyArrayOf("r") + ")";
    std::string keys;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      keys += ", t." + place_.keys[i] + "::text AS " + Numbered("k", i);
    }
    const std::string sql =
        "SELECT count(*), count(*) FILTER (WHERE is_empty),"
        " count(*) FILTER (WHERE is_plaintext),"
        " count(*) FILTER (WHERE is_plaintext" +
        (installed ? " AND NOT " + is_quarantined : "") +
        "), coalesce(sum(size) FILTER (WHERE is_plaintext), 0)::bigint FROM (SELECT " +
        content_.IsEmpty("t") + " AS is_empty, " + plaintext + " AS is_plaintext, octet_length(" +
        content_.Of("t") + ")::bigint AS size" + keys + " FROM " + place_.rows + " t OFFSET 0) r";
    ROWSEAL_ASSIGN(Rows found, connection_->Execute(Statement::Sql(sql)));
    MigrationCounts counts;
    RowReader reader(found.rows.front());
    counts.rows = reader.Integer();
    counts.empty = reader.Integer();
    counts.plaintext = reader.Integer();
    counts.left = reader.Integer();
    counts.plaintext_bytes = reader.Integer();
    ROWSEAL_TRY(reader.status());
    if (!installed) {
      return counts;
    }
    const std::string of_column = OfColumn();
    for (const auto& [table, count] :
         {std::pair(OriginalTable(), &counts.originals),
          std::pair("rowseal_migration.queued_row" + of_column, &counts.queued),
          std::pair("rowseal_migration.quarantined_row" + of_column, &counts.quarantined)}) {
      ROWSEAL_ASSIGN(Rows rows, RunSql("SELECT count(*) FROM " + table));
      RowReader number(rows.rows.front());
      *count = number.Integer();
      ROWSEAL_TRY(number.status());
    }
    return counts;
  }

  Result<std::vector<QuarantinedRow>> Quarantined(std::size_t limit) override {
    std::string parts;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      parts += ", key[" + std::to_string(i + 1) + "]";
    }
    ROWSEAL_ASSIGN(Rows found, Run("SELECT reason" + parts +
                                       " FROM rowseal_migration.quarantined_row q"
                                       " WHERE migration = $1 AND number = $2 ORDER BY q.key"
                                       " LIMIT $3",
                                   {static_cast<std::int64_t>(limit)}));
    std::vector<QuarantinedRow> rows;
    for (Row& row : found.rows) {
      RowReader reader(row);
      QuarantinedRow& quarantined = rows.emplace_back();
      quarantined.reason = reader.Text();
      for (std::size_t i = 0; i < place_.keys.size(); ++i) {
        quarantined.key.push_back(reader.Text());
      }
      ROWSEAL_TRY(reader.status());
      quarantined.position = EncodePosition(quarantined.key);
    }
    return rows;
  }

  Result<std::optional<Original>> ReadOriginal(const std::string& position) override {
    ROWSEAL_ASSIGN(PostgresPosition key, DecodePosition(position, place_.keys.size()));
    std::vector<Param> params;
    for (std::string& part : key) {
      params.emplace_back(std::vector<std::string>{std::move(part)});
    }
    ROWSEAL_ASSIGN(Rows found, RunSql("SELECT o.sealed, o.written, o.secrets FROM unnest(" +
                                          KeyArrays(1) + ") AS n(" + KeyNames() + ") JOIN " +
                                          OriginalTable() + " o ON " + OriginalIsOf("o", "n"),
                                      std::move(params)));
    if (found.rows.empty()) {
      return std::nullopt;
    }
    RowReader reader(found.rows.front());
    std::optional<Original> original = TakeOriginal(reader);
    ROWSEAL_TRY(reader.status());
    return original;
  }

  Result<void> ForgetOriginals() override {
    return connection_->ExecuteScript("TRUNCATE " + OriginalTable());
  }

  // VACUUM FULL writes the table, its TOAST and its indexes anew; ANALYZE replaces the statistics,
  // which hold common values and the bounds of histograms, and leaves their old rows behind.
  Result<std::vector<std::string>> Scrub(ScrubLocks locks) override {
    std::vector<std::string> left;
    const bool heavy = locks == ScrubLocks::kHeavy;
    const std::string vacuum = heavy ? "VACUUM (FULL, ANALYZE) " : "VACUUM (ANALYZE) ";
    ROWSEAL_TRY(RunSql(vacuum + place_.table));
    if (!heavy) {
      left.push_back("table " + Printable(place_.table) +
                     ": its file keeps old row versions in free space; VACUUM FULL writes it anew");
    }
    const Result<Rows> statistics = connection_->Execute(Statement::Sql(
        heavy ? "VACUUM FULL pg_catalog.pg_statistic" : "VACUUM pg_catalog.pg_statistic"));
    if (!statistics) {
      left.emplace_back(
          "the login may not VACUUM pg_statistic, which keeps old statistics until the"
          " server does; run VACUUM FULL pg_statistic as the database's owner");
    }
    if (!connection_->Execute(Statement::Sql("CHECKPOINT"))) {
      left.emplace_back(
          "the login may not run CHECKPOINT: until the next one, the files of what was"
          " written anew may stand beside the new ones");
    }
    return left;
  }

  Result<Residue> Search(ResidueSearch& search) override {
    Residue residue;
    // The table, its partitions, their TOAST and indexes, and the statistics.
    const Result<Rows> files = connection_->Execute(Statement::Sql(
        "WITH RECURSIVE part AS (SELECT to_regclass($1)::oid AS oid UNION ALL"
        " SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part p ON p.oid = i.inhparent),"
        " heap AS (SELECT oid FROM part UNION SELECT 'pg_catalog.pg_statistic'::regclass),"
        " toasted AS (SELECT oid FROM heap UNION SELECT c.reltoastrelid FROM heap h"
        " JOIN pg_catalog.pg_class c ON c.oid = h.oid WHERE c.reltoastrelid <> 0)"
        " SELECT current_setting('data_directory') || '/' || pg_relation_filepath(r.oid::regclass)"
        " FROM (SELECT oid FROM toasted UNION SELECT i.indexrelid FROM pg_catalog.pg_index i"
        " JOIN toasted t ON t.oid = i.indrelid) r WHERE pg_relation_filepath(r.oid::regclass)"
        " IS NOT NULL",
        {place_.table}));
    residue.in_files = files.has_value();
    if (files) {
      for (const Row& row : files->rows) {
        const Result<std::int64_t> found = search.SearchFile(TextAt(row, 0));
        residue.in_files = residue.in_files && found;
        residue.found += found.value_or(0);
      }
    }
    residue.bytes = search.bytes();
    ROWSEAL_ASSIGN(const Rows statistics,
                   connection_->Execute(Statement::Sql(
                       "SELECT coalesce(s.most_common_vals::text, '') ||"
                       " coalesce(s.histogram_bounds::text, '') FROM pg_catalog.pg_stats s"
                       " WHERE format('%I.%I', s.schemaname, s.tablename) = $1",
                       {place_.table})));
    for (const Row& row : statistics.rows) {
      residue.found += search.SearchText(AsBytes(TextAt(row, 0)));
    }
    return residue;
  }

  Result<std::vector<std::string>> Elsewhere() override {
    ROWSEAL_ASSIGN(Rows found,
                   RunSql("SELECT pg_current_wal_lsn()::text,"
                          " to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC',"
                          " (current_setting('archive_mode') <> 'off')::int::bigint,"
                          " (SELECT count(*) FROM pg_catalog.pg_stat_replication),"
                          " (SELECT count(*) FROM pg_catalog.pg_replication_slots)"));
    RowReader reader(found.rows.front());
    const std::string position = reader.Text();
    const std::string now = reader.Text();
    const bool is_archived = reader.Integer() != 0;
    const std::int64_t standbys = reader.Integer();
    const std::int64_t slots = reader.Integer();
    ROWSEAL_TRY(reader.status());
    std::vector<std::string> places;
    places.push_back(
        "the server's WAL before " + position +
        ": until two checkpoints have passed and its segments are used again" +
        (slots > 0 ? "; " + std::to_string(slots) + " replication slots may hold it" : ""));
    places.push_back(is_archived
                         ? "the WAL archive: as long as it keeps segments before " + position
                         : "no WAL archive: archive_mode is off");
    places.push_back(std::to_string(standbys) +
                     " standbys that are connected now, and those that"
                     " are not: until each has replayed " +
                     position);
    places.push_back("base backups and dumps made before " + now + ": until they expire");
    places.emplace_back("blocks that the file system freed: until it writes over them");
    return places;
  }

 private:
  static Result<void> Forget(Result<Rows> rows) {
    return rows ? Result<void>() : tl::unexpected(std::move(rows).error());
  }

  // $1 is the migration and $2 the column's number.
  Result<Rows> Run(const std::string& sql, std::vector<Param> params = {}) {
    std::vector<Param> all = {column_.migration, column_.number};
    std::move(params.begin(), params.end(), std::back_inserter(all));
    return RunSql(sql, std::move(all));
  }
  Result<Rows> RunSql(const std::string& sql, std::vector<Param> params = {}) {
    return RunOnApp(*connection_, Statement::Sql(sql, std::move(params)), place_.table);
  }
  std::string OfColumn() const {
    return " WHERE migration = " + PostgresLiteral(column_.migration) +
           " AND number = " + std::to_string(column_.number);
  }

  Result<bool> IsInstalled() {
    ROWSEAL_ASSIGN(Rows found,
                   connection_->Execute(Statement::Sql(
                       "SELECT (to_regclass('rowseal_migration.migration_column') IS NOT NULL"
                       " AND EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid ="
                       " to_regclass($1) AND tgname = $2))::int::bigint",
                       {place_.table, GuardName()})));
    RowReader reader(found.rows.front());
    const bool is_installed = reader.Integer() != 0;
    ROWSEAL_TRY(reader.status());
    return is_installed;
  }

  // A lock that waits for a long transaction makes every later writer wait behind it: it is given
  // up after a moment and asked for again.
  template <class Work>
  Result<void> WithBriefLock(Work work) {
    Result<void> done;
    for (int tries = 0; tries < kLockTries; ++tries) {
      ROWSEAL_TRY(connection_->Begin(TransactionKind::kWrite));
      // One process changes the journal's schema at a time, by a lock that other logins may not
      // take. Of those that make the journal, the first that commits makes the others fail on its
      // names, and they find it.
      done = connection_->ExecuteScript(
          "SET LOCAL lock_timeout = '500ms';"
          "DO $lock$ BEGIN"
          "  IF EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
          "    WHERE n.nspname = 'rowseal_migration' AND c.relname = 'migration_column') THEN"
          "   LOCK TABLE rowseal_migration.migration_column IN SHARE UPDATE EXCLUSIVE MODE;"
          "  END IF;"
          " END $lock$");
      done = done ? work() : done;
      if (done) {
        return connection_->Commit();
      }
      connection_->Rollback();
      if (done.error().code != ErrorCode::kUnavailable &&
          done.error().code != ErrorCode::kConflict) {
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    return done;
  }

  std::string GuardName() const {
    return "rowseal_guard_" + column_.migration + "_" + std::to_string(column_.number);
  }

  std::string GuardSql() const {
    const std::string function = "rowseal_migration." + GuardName();
    std::string key;
    for (const std::string& name : place_.keys) {
      key += (key.empty() ? "NEW." : ", NEW.") + name + "::text";
    }
    const std::string who =
        PostgresLiteral(column_.migration) + ", " + std::to_string(column_.number);
    return "INSERT INTO rowseal_migration.migration_column (migration, number, guard) VALUES (" +
           who +
           ", 'queue') ON CONFLICT DO NOTHING;"
           "CREATE OR REPLACE FUNCTION " +
           function +
           "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, "
           "pg_temp AS $guard$\n"
           "DECLARE v_guard text;\n"
           "BEGIN\n" +
           RefuseOtherTypesSql() +
           "  SELECT c.guard INTO v_guard FROM rowseal_migration.migration_column c"
           " WHERE c.migration = " +
           PostgresLiteral(column_.migration) +
           " AND c.number = " + std::to_string(column_.number) +
           ";\n"
           "  IF v_guard = 'refuse' AND " +
           content_.IsPlaintext("NEW") +
           " THEN\n"
           "    RAISE EXCEPTION 'plaintext is refused in %.%, column %', TG_TABLE_SCHEMA,"
           " TG_TABLE_NAME, " +
           PostgresLiteral(column_.column) +
           " USING ERRCODE = 'RS010', HINT = 'seal it with Rowseal before it is written';\n"
           "  ELSIF v_guard = 'queue' AND " +
           content_.IsPlaintext("NEW") + " OR v_guard = 'reverse' AND " + content_.IsOurs("NEW") +
           " THEN\n"
           "    INSERT INTO rowseal_migration.queued_row (migration, number, key) VALUES (" +
           who + ", ARRAY[" + key +
           "]);\n"
           "  END IF;\n"
           "  RETURN NULL;\n"
           "END $guard$;REVOKE ALL ON FUNCTION " +
           function + "() FROM PUBLIC;" + TriggerSql(Guard::kQueue);
  }

  // The guard runs as who migrated: casts of a type that the table's owner gave a column later are
  // not called. The types' ids are looked at first, which calls nothing.
  std::string RefuseOtherTypesSql() const {
    std::string sql;
    for (const auto& [column, type_id] : place_.declared) {
      const std::string type = "pg_typeof(NEW." + column + ")::oid";
      sql += "  IF " + type + " >= 16384 AND " + type + " <> " + type_id +
             " THEN\n"
             "    RAISE EXCEPTION 'column % of %.% was given a type of the application''s own', " +
             PostgresLiteral(column) +
             ", TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'RS010',"
             " HINT = 'give it its type back, or end the migration';\n"
             "  END IF;\n";
    }
    return sql;
  }

  // A condition of the trigger's own costs a tenth of a call of its function. It holds no subquery,
  // which a path needs.
  std::string TriggerSql(Guard guard) const {
    const std::string condition =
        column_.path ? std::string()
                     : " WHEN (" +
                           (guard == Guard::kReverse ? content_.IsOurs("NEW")
                                                     : content_.IsPlaintext("NEW")) +
                           ")";
    return "DROP TRIGGER IF EXISTS " + GuardName() + " ON " + place_.table + ";CREATE TRIGGER " +
           GuardName() + " AFTER INSERT OR UPDATE ON " + place_.table + " FOR EACH ROW" +
           condition + " EXECUTE FUNCTION rowseal_migration." + GuardName() + "();ALTER TABLE " +
           place_.table + " ENABLE ALWAYS TRIGGER " + GuardName() + ";";
  }

  // Keys are of the app's own types: their index is a fifth of the work of one over texts.
  std::string OriginalTable() const {
    return "rowseal_migration.original_" + column_.migration + "_" + std::to_string(column_.number);
  }
  std::string OriginalTableSql() const {
    std::string keys;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      keys += "t." + place_.keys[i] + " AS " + Numbered("k", i) + ", ";
    }
    const std::string table = OriginalTable();
    return "CREATE TABLE IF NOT EXISTS " + table + " AS SELECT " + keys +
           "''::text AS sealed, ''::text AS written, ''::text AS secrets FROM " + place_.table +
           " t WITH NO DATA; ALTER TABLE " + table +
           " ALTER sealed SET NOT NULL, ALTER secrets SET NOT NULL; CREATE UNIQUE INDEX IF NOT"
           " EXISTS original_" +
           column_.migration + "_" + std::to_string(column_.number) + "_key ON " + table + " (" +
           KeyNames() + ");";
  }

  std::string Condition(RowsToLock which, std::string_view row) const {
    if (which == RowsToLock::kPlaintext) {
      return content_.IsPlaintext(row);
    }
    return "(" + HasOriginal(row) + " OR " + content_.IsOurs(row) + ")";
  }

  std::string HasOriginal(std::string_view row) const {
    return "EXISTS (SELECT FROM " + OriginalTable() + " h WHERE " + OriginalIsOf("h", row) + ")";
  }

  // The original's row is that of a row of the table, `t`, or of keys as text, `n`.
  std::string OriginalIsOf(std::string_view original, std::string_view row) const {
    std::string condition;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      condition += (i == 0 ? "" : " AND ") + std::string(original) + "." + Numbered("k", i) +
                   " = " + std::string(row) + "." +
                   (row == "n" ? Numbered("k", i) + "::" + place_.key_types[i] : place_.keys[i]);
    }
    return condition;
  }

  enum class Originals : std::uint8_t { kNone, kBeside };
  // Rows that hold plaintext have one only where the app wrote again: it is asked for then.
  static Originals OriginalsOf(RowsToLock which) {
    return which == RowsToLock::kPlaintext ? Originals::kNone : Originals::kBeside;
  }
  // LATERAL with a LIMIT: of a table that was never analyzed, the planner would read all originals
  // for each row.
  std::string OriginalJoin(Originals originals) const {
    return originals == Originals::kNone
               ? std::string()
               : " LEFT JOIN LATERAL (SELECT * FROM " + OriginalTable() + " h WHERE " +
                     OriginalIsOf("h", "t") + " LIMIT 1) o ON true";
  }

  // Of `t` the table's key as text[]; of `n` its parts k0, k1, ….
  std::string KeyArrayOf(std::string_view row) const {
    std::string parts;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      const std::string name = row == "t" ? place_.keys[i] + "::text" : Numbered("k", i);
      parts += (i == 0 ? "" : ", ") + std::string(row) + "." + name;
    }
    return "ARRAY[" + parts + "]";
  }
  std::string KeyArrays(std::size_t first) const {
    std::string arrays;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      arrays += (i == 0 ? "$" : ", $") + std::to_string(first + i) + "::text[]";
    }
    return arrays;
  }
  std::string KeyNames() const {
    std::string names;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      names += (i == 0 ? "" : ", ") + Numbered("k", i);
    }
    return names;
  }
  std::string KeysMatch() const {
    std::string condition;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      condition += (i == 0 ? "t." : " AND t.") + place_.keys[i] + " = n." + Numbered("k", i) +
                   "::" + place_.key_types[i];
    }
    return condition;
  }

  // Rows in the order of their keys, at most `limit`, and of them as many as hold about `bytes`.
  Result<std::vector<MigratingRow>> ReadPage(const std::string& condition, std::string_view locked,
                                             Originals originals, const std::string& position,
                                             std::size_t limit, std::int64_t bytes) {
    std::vector<Param> params = {static_cast<std::int64_t>(limit), bytes};
    std::string order;
    std::string after;
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      order += (i == 0 ? "t." : ", t.") + place_.keys[i];
      after += (i == 0 ? "$" : ", $") + std::to_string(i + 3);
    }
    if (!position.empty()) {
      ROWSEAL_ASSIGN(PostgresPosition behind, DecodePosition(position, place_.keys.size()));
      std::move(behind.begin(), behind.end(), std::back_inserter(params));
    }
    const std::string rows = "SELECT t.* FROM " + place_.rows + " t WHERE " + condition +
                             (position.empty() ? "" : " AND (" + order + ") > (" + after + ")") +
                             " ORDER BY " + order + " LIMIT $1" + std::string(locked);
    const std::string size = "coalesce(octet_length(" + content_.Of("t") + "), 0)";
    const std::string before = "t.\"rowseal: bytes before\"";
    return TakeRows(RunSql("SELECT " + RowColumns(originals) + " FROM (SELECT t.*, sum(" + size +
                               ") OVER (ORDER BY " + order + " ROWS UNBOUNDED PRECEDING) - " +
                               size + " AS \"rowseal: bytes before\" FROM (" + rows + ") t) t" +
                               join_ + OriginalJoin(originals) + " WHERE " + before +
                               " < $2 ORDER BY " + order,
                           std::move(params)));
  }

  std::string RowColumns(Originals originals) const {
    std::string columns = project_ + ", " + content_.Of("t");
    for (const std::string& key : place_.keys) {
      columns += ", t." + key + "::text";
    }
    for (const std::string& name : names_) {
      columns += ", t." + name + "::text";
    }
    return columns +
           (originals == Originals::kNone ? ", NULL::text" : ", o.sealed, o.written, o.secrets");
  }

  Result<std::vector<MigratingRow>> TakeRows(Result<Rows> found) const {
    if (!found) {
      return tl::unexpected(std::move(found).error());
    }
    std::vector<MigratingRow> rows;
    for (Row& row : found->rows) {
      ROWSEAL_ASSIGN(MigratingRow taken, TakeRow(row));
      rows.push_back(std::move(taken));
    }
    return rows;
  }

  Result<SecretBytes> TakeContent(RowReader& reader) const {
    if (place_.IsBinary()) {
      Bytes bytes = reader.Blob();
      Result<SecretBytes> content = SecretBytes::CopyOf(bytes);
      Wipe(bytes);
      return content;
    }
    std::string text = reader.Text();
    Result<SecretBytes> content = SecretBytes::CopyOf(AsBytes(text));
    Wipe(BytesOf(text));
    return content;
  }

  Result<MigratingRow> TakeRow(Row& row) const {
    MigratingRow taken;
    RowReader reader(row);
    if (reader.NextIsNull()) {
      taken.defect = "its project is NULL";
      reader.Skip();
    } else {
      taken.project = reader.Text();
    }
    if (reader.NextIsNull()) {
      taken.is_null = true;
      reader.Skip();
    } else {
      ROWSEAL_ASSIGN(taken.content, TakeContent(reader));
    }
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      taken.key.push_back(reader.Text());
    }
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (reader.NextIsNull()) {
        taken.names.emplace_back();
        reader.Skip();
      } else {
        taken.names.push_back(reader.Text());
      }
    }
    if (!reader.NextIsNull()) {
      taken.original = TakeOriginal(reader);
    }
    ROWSEAL_TRY(reader.status());
    taken.position = EncodePosition(taken.key);
    return taken;
  }

  static Original TakeOriginal(RowReader& reader) {
    Original original;
    original.sealed = reader.Text();
    if (reader.NextIsNull()) {
      reader.Skip();
    } else {
      original.written = reader.Text();
    }
    original.secrets = SplitNames(reader.Text());
    return original;
  }

  template <class Item>
  Result<std::vector<Param>> KeyParams(const std::vector<Item>& items) const {
    std::vector<std::vector<std::string>> parts(place_.keys.size());
    for (const Item& item : items) {
      ROWSEAL_ASSIGN(PostgresPosition key, DecodePosition(item.position, parts.size()));
      for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].push_back(std::move(key[i]));
      }
    }
    return std::vector<Param>(parts.begin(), parts.end());
  }

  Param ContentsOf(const std::vector<RowWrite>& writes) const {
    if (place_.IsBinary()) {
      std::vector<Bytes> blobs;
      for (const RowWrite& write : writes) {
        const ByteView bytes = write.content->Reveal();
        blobs.emplace_back(bytes.begin(), bytes.end());
      }
      return blobs;
    }
    std::vector<std::string> texts;
    for (const RowWrite& write : writes) {
      texts.emplace_back(AsText(write.content->Reveal()));
    }
    return texts;
  }

  // Row by row by its key, as OriginalJoin.
  static std::string DeleteSql(const std::string& table, const std::string& keys,
                               const std::string& match) {
    return "DELETE FROM " + table + " WHERE ctid = ANY (ARRAY(SELECT h.ctid FROM " + keys +
           " CROSS JOIN LATERAL (SELECT r.ctid FROM " + table + " r WHERE " + match +
           " LIMIT 1) h))";
  }
  std::string Keys(std::size_t first) const {
    return "unnest(" + KeyArrays(first) + ") AS n(" + KeyNames() + ")";
  }

  Result<void> KeepOriginals(const std::vector<RowWrite>& writes) {
    ROWSEAL_ASSIGN(std::vector<Param> params, KeyParams(writes));
    if (!writes.front().original) {
      return Forget(
          RunSql(DeleteSql(OriginalTable(), Keys(1), OriginalIsOf("r", "n")), std::move(params)));
    }
    std::vector<std::string> sealed;
    std::vector<std::string> written;
    std::vector<std::string> secrets;
    for (const RowWrite& write : writes) {
      sealed.push_back(write.original->sealed);
      written.push_back(write.original->written.value_or(std::string()));
      secrets.push_back(JoinNames(write.original->secrets));
    }
    std::string arrays;
    std::string keys;
    for (std::size_t i = 0; i < 3; ++i) {
      arrays += ", $" + std::to_string(1 + place_.keys.size() + i);
    }
    for (std::size_t i = 0; i < place_.keys.size(); ++i) {
      keys += "n." + Numbered("k", i) + "::" + place_.key_types[i] + ", ";
    }
    for (std::vector<std::string>* texts : {&sealed, &written, &secrets}) {
      params.emplace_back(std::move(*texts));
    }
    return Forget(RunSql("INSERT INTO " + OriginalTable() + " SELECT " + keys + "n.sealed, " +
                             (writes.front().original->written ? "n.written" : "NULL") +
                             ", n.secrets FROM unnest(" + KeyArrays(1) + arrays + ") AS n(" +
                             KeyNames() + ", sealed, written, secrets) ON CONFLICT (" + KeyNames() +
                             ") DO UPDATE SET sealed = EXCLUDED.sealed, written = EXCLUDED.written,"
                             " secrets = EXCLUDED.secrets",
                         std::move(params)));
  }

  std::unique_ptr<PostgresConnection> connection_;
  const MigratedColumn column_;
  const PostgresPlace place_;
  const PostgresContentSql content_;
  const std::string project_;  // SQL
  const std::string join_;     // SQL
  const std::vector<std::string> names_;
};

// Guards that an older release made run code of whoever writes to their table; each verb of a
// migration ends that.
Result<void> PinJournalFunctions(PostgresConnection& connection) {
  ROWSEAL_ASSIGN(const Rows loose, connection.Execute(Statement::Sql(kLooseJournalFunctionsSql)));
  const bool any_of_ours = std::any_of(loose.rows.begin(), loose.rows.end(), [](const Row& row) {
    return row.size() == 3 && row[2] == Value(std::int64_t{1});
  });
  return any_of_ours ? connection.ExecuteScript(std::string(kPinJournalFunctionsSql))
                     : Result<void>();
}

}  // namespace

Result<std::unique_ptr<AppRows>> OpenPostgresAppRows(const std::string& url,
                                                     const MigratedColumn& column) {
  ROWSEAL_ASSIGN(std::unique_ptr<PostgresConnection> connection, PostgresConnection::Open(url));
  ROWSEAL_ASSIGN(const std::string table, connection->ResolveTable(column.table));
  ROWSEAL_TRY(CheckJournalOwners(*connection, table));
  ROWSEAL_TRY(PinJournalFunctions(*connection));
  const ProjectSource& project = column.project;
  ColumnSource source;
  source.table = column.table;
  source.column = column.column;
  source.keys = column.keys;
  source.project_column = !project.fixed.empty()       ? column.keys.front()
                          : project.join_table.empty() ? project.column
                                                       : project.join_on;
  ROWSEAL_ASSIGN(PostgresPlace place, FindPostgresPlace(*connection, source));
  std::string project_sql = "t." + place.project + "::text";
  std::string join;
  if (!project.fixed.empty()) {
    project_sql = PostgresLiteral(project.fixed) + "::text";
  } else if (!project.join_table.empty()) {
    ColumnSource other;
    other.table = project.join_table;
    other.keys = {project.join_key};
    other.project_column = project.column;
    ROWSEAL_ASSIGN(const PostgresPlace joined, FindPostgresPlace(*connection, other));
    join = " LEFT JOIN " + joined.rows + " j ON j." + joined.keys.front() + " = t." + place.project;
    project_sql = "j." + joined.project + "::text";
  }
  ROWSEAL_ASSIGN(std::vector<std::string> names,
                 FindPostgresColumns(*connection, column.table, column.name_columns));
  return std::make_unique<PostgresAppRows>(std::move(connection), column, std::move(place),
                                           std::move(project_sql), std::move(join),
                                           std::move(names));
}

}  // namespace rowseal
