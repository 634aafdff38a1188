#include <algorithm>
#include <map>

#include "base/text.h"
#include "migration/column_migrator.h"
#include "migration/online_migration.h"

namespace rowseal {
namespace {

constexpr std::size_t kPage = 1000;
constexpr std::int64_t kPageBytes = 4'000'000;

class ColumnVerifier final {
 public:
  ColumnVerifier(Client& client, ColumnMigrator& migrator,
                 const std::function<void(const MigrationFailure&)>& on_failure,
                 const Access& access)
      : client_(client), migrator_(migrator), on_failure_(on_failure), access_(access) {}

  Result<ColumnVerdict> Verify() {
    verdict_.column = TextOf(migrator_.plan());
    std::string position;
    while (true) {
      ROWSEAL_ASSIGN(const std::vector<MigratingRow> rows,
                     migrator_.rows().Read(position, kPage, kPageBytes));
      if (rows.empty()) {
        break;
      }
      ROWSEAL_TRY(VerifyPage(rows));
      position = rows.back().position;
    }
    ROWSEAL_ASSIGN(const MigrationCounts counts, migrator_.rows().Count());
    verdict_.plaintext = counts.plaintext;
    verdict_.quarantined = counts.plaintext - counts.left;
    return verdict_;
  }

 private:
  // A value that is to be opened, and what it was, where that is known.
  struct Expected {
    const MigratingRow* row = nullptr;
    std::string text;  // sealed, or the secret's name
    std::optional<SecretBytes> original;
  };

  void Fail(const MigratingRow& row, const std::string& why) {
    ++verdict_.failures;
    on_failure_({verdict_.column + " " + Join(row.key, "/"), why});
  }

  Result<void> VerifyPage(const std::vector<MigratingRow>& rows) {
    std::map<ProjectId, std::vector<Expected>> by_project;
    ROWSEAL_ASSIGN(originals_,
                   migrator_.OpenOriginals(rows, ColumnMigrator::Originals::kKeptBeside));
    for (const MigratingRow& row : rows) {
      const Result<ProjectId> project = ProjectId::Parse(row.project);
      if (!row.defect.empty() || !project) {
        if (row.original) {
          Fail(row, row.defect.empty() ? project.error().message : row.defect);
        }
        continue;  // else it is plaintext, which is counted
      }
      ROWSEAL_TRY(Expect(row, by_project[*project]));
    }
    for (auto& [project, expected] : by_project) {
      ROWSEAL_TRY(Open(project, expected));
    }
    return {};
  }

  Result<void> Expect(const MigratingRow& row, std::vector<Expected>& expected) {
    std::vector<FoundValue> values;
    if (row.original && !ColumnMigrator::StandsForItself(*row.original)) {
      const Result<SecretBytes>& before = originals_.at(row.position);
      Result<std::vector<FoundValue>> found =
          before ? FindValues(migrator_.plan(), migrator_.column().settled, migrator_.decoder(),
                              *before)
                 : Result<std::vector<FoundValue>>(tl::unexpected(before.error()));
      if (!found) {
        Fail(row, "its original does not open: " + found.error().message);
      } else {
        values = std::move(*found);
      }
    }
    if (migrator_.plan().mode == MigrationMode::kMove && row.original) {
      for (std::size_t i = 0; i < row.original->secrets.size(); ++i) {
        Expected& one = expected.emplace_back();
        one.row = &row;
        one.text = row.original->secrets[i];
        if (i < values.size()) {
          one.original = std::move(values[i].value);
        }
      }
      return {};
    }
    const Result<std::vector<FoundSettled>> settled =
        FindSettled(migrator_.plan(), migrator_.column().settled, row.content);
    if (!settled) {
      return {};  // no JSON: quarantined
    }
    for (const FoundSettled& found : *settled) {
      Expected& one = expected.emplace_back();
      one.row = &row;
      one.text = found.text;
      const auto same_place = std::ranges::find(values, found.place, &FoundValue::place);
      if (same_place != values.end()) {
        one.original = std::move(same_place->value);
      }
      if (migrator_.plan().mode == MigrationMode::kMove) {
        one.text = NameInReference(migrator_.plan(), found.text).value_or(std::string());
      }
    }
    return {};
  }

  Result<void> Open(const ProjectId& project, std::vector<Expected>& expected) {
    if (expected.empty()) {
      return {};
    }
    return migrator_.plan().mode == MigrationMode::kMove ? OpenSecrets(project, expected)
                                                         : OpenValues(project, expected);
  }

  Result<void> OpenValues(const ProjectId& project, const std::vector<Expected>& expected) {
    std::vector<ValueToOpen> values;
    for (const Expected& one : expected) {
      values.push_back({one.text, one.row->key});
    }
    ROWSEAL_ASSIGN(const Client::OpenedValues opened,
                   migrator_.sealer()->Open(project, std::move(values), access_));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const Expected& one = expected[i];
      const bool stands = one.row->original &&
                          ColumnMigrator::StandsForItself(*one.row->original) &&
                          one.row->original->sealed == one.text;
      Judge(one, opened[i] ? &*opened[i] : nullptr, opened[i] ? "" : opened[i].error().message,
            stands || !one.row->original);
    }
    return {};
  }

  Result<void> OpenSecrets(const ProjectId& project, const std::vector<Expected>& expected) {
    std::vector<SecretRef> refs;
    std::vector<const Expected*> named;
    for (const Expected& one : expected) {
      Result<SecretName> name = SecretName::Parse(one.text);
      if (!name) {
        Fail(*one.row, "its reference names no secret");
        continue;
      }
      refs.push_back({std::move(*name), {}});
      named.push_back(&one);
    }
    ROWSEAL_ASSIGN(const Client::Secrets secrets, client_.GetBatch(project, refs, access_));
    for (std::size_t i = 0; i < named.size(); ++i) {
      Judge(*named[i], secrets[i] ? &secrets[i]->value : nullptr,
            secrets[i] ? "" : secrets[i].error().message, !named[i]->row->original);
    }
    return {};
  }

  void Judge(const Expected& expected, const SecretBytes* opened, const std::string& why,
             bool is_as_it_was) {
    if (opened == nullptr) {
      Fail(*expected.row, why);
    } else if (is_as_it_was ||
               (expected.original && expected.original->EqualsInConstantTime(*opened))) {
      ++verdict_.opened;
    } else {
      ++verdict_.changed;
    }
  }

  Client& client_;
  ColumnMigrator& migrator_;
  const std::function<void(const MigrationFailure&)>& on_failure_;
  const Access& access_;
  ColumnVerdict verdict_;
  std::map<std::string, Result<SecretBytes>> originals_;  // of the page, by position
};

}  // namespace

Result<std::vector<ColumnVerdict>> VerifyMigration(
    Client& client, const MigrationManifest& manifest,
    const std::function<void(const MigrationFailure&)>& on_failure, const Access& access) {
  ROWSEAL_TRY(CheckManifest(manifest));
  std::vector<ColumnVerdict> verdicts;
  std::int64_t found = 0;
  for (std::size_t number = 1; number <= manifest.columns.size(); ++number) {
    ROWSEAL_ASSIGN(std::unique_ptr<AppRows> rows,
                   OpenAppRows(manifest.database, ColumnOf(manifest, number)));
    ROWSEAL_ASSIGN(const std::optional<Guard> guard, rows->ReadGuard());
    if (!guard) {
      return tl::unexpected(Error{ErrorCode::kNotFound,
                                  "migration '" + manifest.name + "' was not begun: " +
                                      TextOf(manifest.columns[number - 1]) + " has no guard",
                                  "run it first: rowseal migrate run MANIFEST"});
    }
    ROWSEAL_ASSIGN(ColumnMigrator migrator,
                   ColumnMigrator::Make(client, manifest, number, std::move(rows), access));
    ROWSEAL_ASSIGN(ColumnVerdict verdict,
                   ColumnVerifier(client, migrator, on_failure, access).Verify());
    found += verdict.opened + verdict.changed + verdict.failures;
    verdicts.push_back(std::move(verdict));
  }
  if (found == 0) {
    return Fail(ErrorCode::kNotFound, "nothing is migrated in any column of the manifest",
                "check its tables and columns: an empty result is no success");
  }
  return verdicts;
}

}  // namespace rowseal
