#include <rowseal/key_bundle.h>

#include <algorithm>
#include <iterator>

#include "base/encoding.h"
#include "client/active_dek.h"
#include "client/change.h"
#include "lifecycle/key_check.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::string_view kHead = "rowseal keys 2\n";
constexpr std::string_view kTrustLine = "trust";
constexpr std::string_view kDekLine = "dek";
constexpr std::string_view kEndLine = "end\t";
constexpr std::size_t kMostFailures = 100;

tl::unexpected<Error> NoBundle() {
  return Fail(ErrorCode::kIntegrity, "this is no whole bundle of keys",
              "it was cut off, or is another file: rowseal keys export makes one");
}

class Checker final {
 public:
  explicit Checker(std::vector<std::shared_ptr<const RootProvider>> roots)
      : keyring_(std::move(roots)) {}

  Result<void> Adopt(Rows trust) {
    ROWSEAL_ASSIGN(TrustRows rows, ParseTrustRows(std::move(trust)));
    ROWSEAL_TRY(keyring_.Adopt(std::move(rows), 0));
    const TrustRows& adopted = keyring_.trust()->rows;
    set_.installation = adopted.installation.id;
    set_.epoch = adopted.installation.epoch;
    for (const KekRecord& kek : adopted.keks) {
      ++set_.keks;
      const auto opened = keyring_.OpenKek(kek.id);
      set_.keks_opened += opened ? 1 : 0;
      if (!opened) {
        Report("KEK " + ToText(kek.id), opened.error());
      }
    }
    return {};
  }

  void Open(Row& row) {
    ++set_.deks;
    const std::string name = TextAt(row, 0) + "/" + TextAt(row, 1);
    set_.deks_held.push_back(name);
    const Result<DekAndKek> dek = ReadDekRow(row);
    const auto opened = dek ? keyring_.OpenDek(dek->dek)
                            : Result<std::shared_ptr<const Dek>>(tl::unexpected(dek.error()));
    set_.deks_opened += opened ? 1 : 0;
    if (!opened) {
      Report("DEK " + name, opened.error());
    }
  }

  const IntegrityKey& integrity() const { return *keyring_.trust()->integrity; }
  KeySet Take() && {
    std::ranges::sort(set_.deks_held);
    return std::move(set_);
  }

 private:
  void Report(const std::string& key, const Error& error) {
    if (set_.failures.size() < kMostFailures) {
      set_.failures.push_back(key + ": " + error.message);
    }
  }

  Keyring keyring_;
  KeySet set_;
};

struct ParsedBundle {
  KeyRows rows;
  std::string_view covered;  // what the MAC covers
  Bytes mac;
};

Result<ParsedBundle> ParseBundle(std::string_view text) {
  const std::size_t end = text.rfind("\n" + std::string(kEndLine));
  if (!text.starts_with(kHead) || end == std::string_view::npos || !text.ends_with('\n')) {
    return NoBundle();
  }
  ParsedBundle parsed;
  parsed.covered = text.substr(0, end + 1);
  ROWSEAL_ASSIGN(Row last, ParseRow(text.substr(end + 1, text.size() - end - 2)));
  auto* const mac = last.size() == 1 ? std::get_if<Bytes>(&last.front()) : nullptr;
  if (mac == nullptr) {
    return NoBundle();
  }
  parsed.mac = std::move(*mac);
  std::string_view rest = parsed.covered.substr(kHead.size());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::string_view name = line.substr(0, line.find('\t'));
    ROWSEAL_ASSIGN(Row row, ParseRow(line));
    if (name == kTrustLine) {
      parsed.rows.trust.rows.push_back(std::move(row));
    } else if (name == kDekLine) {
      parsed.rows.deks.push_back(std::move(row));
    } else {
      return NoBundle();
    }
  }
  return parsed;
}

}  // namespace

Result<KeyBundle> ExportKeys(Client& client, const Access& access) {
  const auto read_bundle = [](TrustedRead& read) -> Result<KeyBundle> {
    ROWSEAL_ASSIGN(const KeyRows rows, ReadKeyRows(read.connection()));
    KeyBundle bundle;
    bundle.text = kHead;
    for (const Row& row : rows.trust.rows) {
      bundle.text += RowText(kTrustLine, row) + "\n";
    }
    for (const Row& row : rows.deks) {
      bundle.text += RowText(kDekLine, row) + "\n";
    }
    ROWSEAL_ASSIGN(const Bytes mac, read.integrity().BundleMac(AsBytes(bundle.text)));
    bundle.text += std::string(kEndLine) + "b" + ToHex(mac) + "\n";
    bundle.installation = read.trust().rows.installation.id;
    bundle.epoch = read.trust().rows.installation.epoch;
    bundle.keks = static_cast<std::int64_t>(read.trust().rows.keks.size());
    bundle.deks = static_cast<std::int64_t>(rows.deks.size());
    return bundle;
  };
  ROWSEAL_ASSIGN(KeyBundle bundle, ReadTrusted(client, read_bundle));
  ROWSEAL_TRY(LogRead(client, access, "keys.export", std::to_string(bundle.epoch)));
  return bundle;
}

namespace {

Result<bool> HasRow(Connection& connection, std::string_view sql, std::vector<Param> params) {
  ROWSEAL_ASSIGN(const Rows rows, connection.Execute(Statement::Sql(sql, std::move(params))));
  return !rows.rows.empty();
}

// Gives why a DEK is not put back; nothing where it was.
Result<std::optional<std::string>> RestoreDek(Change& change, DekRecord dek) {
  Connection& connection = change.connection();
  const std::string id = ToText(dek.id);
  ROWSEAL_ASSIGN(const bool was_destroyed,
                 HasRow(connection,
                        "SELECT 1 FROM rowseal.destroyed_key WHERE project_id = $1 AND kind = 'dek'"
                        " AND id = $2",
                        {dek.project.text(), id}));
  if (was_destroyed) {
    return "it was destroyed";
  }
  if (const auto opened = change.session().keyring().OpenDek(dek); !opened) {
    return opened.error().message;
  }
  ROWSEAL_ASSIGN(const bool has_active,
                 HasRow(connection,
                        "SELECT 1 FROM rowseal.dek WHERE project_id = $1 AND purpose = $2"
                        " AND state = 'active'",
                        {dek.project.text(), std::string(ToText(dek.purpose))}));
  const bool may_be_active = !has_active && !change.session().IsBelowSealFloor(dek);
  if (!may_be_active && dek.state == KeyState::kActive) {
    ROWSEAL_ASSIGN(dek, Deactivated(change.integrity(), std::move(dek)));
  }
  // What is sealed no more waits from now on until it may be called drained.
  ROWSEAL_ASSIGN(const Timestamp now, change.Now());
  std::vector<Param> params{dek.project.text()};
  AppendParams(dek, params);
  params.push_back(dek.state == KeyState::kActive ? Param(Null{}) : Param(ToMicros(now)));
  static const std::string insert = "INSERT INTO rowseal.dek (project_id, " +
                                    ColumnNames<DekRecord>() + ", deactivated_at) VALUES ($1, " +
                                    Places<DekRecord>(2) + ", $" +
                                    std::to_string(2 + kCells<DekRecord>) + ")";
  ROWSEAL_TRY(connection.Execute(Statement::Sql(insert, std::move(params))));
  return std::nullopt;
}

}  // namespace

Result<RestoredKeys> RestoreKeys(Client& client, std::string_view bundle, const Access& access) {
  ROWSEAL_ASSIGN(const ParsedBundle parsed, ParseBundle(bundle));
  return ChangeStore(client, access, [&](Change& change) -> Result<RestoredKeys> {
    ROWSEAL_ASSIGN(const Bytes mac, change.integrity().BundleMac(AsBytes(parsed.covered)));
    if (!EqualInConstantTime(mac, parsed.mac)) {
      return Fail(
          ErrorCode::kIntegrity,
          "the bundle was not exported from this store with this integrity key, or was changed",
          "rowseal keys check --bundle says what it is");
    }
    RestoredKeys report;
    for (Row row : parsed.rows.deks) {
      const std::string name = TextAt(row, 0) + "/" + TextAt(row, 1);
      ROWSEAL_ASSIGN(
          const bool is_there,
          HasRow(change.connection(), "SELECT 1 FROM rowseal.dek WHERE project_id = $1 AND id = $2",
                 {TextAt(row, 0), TextAt(row, 1)}));
      if (is_there) {
        ++report.there;
        continue;
      }
      ROWSEAL_ASSIGN(DekAndKek dek, ReadDekRow(row));
      ROWSEAL_ASSIGN(const std::optional<std::string> refused,
                     RestoreDek(change, std::move(dek.dek)));
      if (refused) {
        report.refused.push_back(name + ": " + *refused);
      } else {
        ++report.restored;
      }
    }
    ROWSEAL_TRY(change.Audit("keys.restore", std::to_string(report.restored)));
    return report;
  });
}

Result<KeySet> CheckKeyRows(KeyRows rows, std::vector<std::shared_ptr<const RootProvider>> roots) {
  Checker checker(std::move(roots));
  ROWSEAL_TRY(checker.Adopt(std::move(rows.trust)));
  for (Row& row : rows.deks) {
    checker.Open(row);
  }
  return std::move(checker).Take();
}

Result<KeySet> CheckBundle(std::string_view bundle,
                           std::vector<std::shared_ptr<const RootProvider>> roots) {
  ROWSEAL_ASSIGN(ParsedBundle parsed, ParseBundle(bundle));
  Checker checker(std::move(roots));
  ROWSEAL_TRY(checker.Adopt(std::move(parsed.rows.trust)));
  ROWSEAL_ASSIGN(const Bytes mac, checker.integrity().BundleMac(AsBytes(parsed.covered)));
  if (!EqualInConstantTime(mac, parsed.mac)) {
    return Fail(ErrorCode::kIntegrity, "the bundle's keys are not those that were exported",
                "somebody changed it: take another copy");
  }
  for (Row& row : parsed.rows.deks) {
    checker.Open(row);
  }
  return std::move(checker).Take();
}

Result<std::vector<std::string>> KeysNotIn(const KeySet& needed, const KeySet& kept) {
  if (needed.installation != kept.installation) {
    return Fail(ErrorCode::kIntegrity,
                "the keys are of two installations: " + ToText(needed.installation) + " and " +
                    ToText(kept.installation),
                "look for the bundle that was exported from this store");
  }
  std::vector<std::string> missing;
  std::ranges::set_difference(needed.deks_held, kept.deks_held, std::back_inserter(missing));
  return missing;
}

}  // namespace rowseal
