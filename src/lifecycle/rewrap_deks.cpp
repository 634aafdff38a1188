#include "lifecycle/rewrap_deks.h"

#include <algorithm>
#include <iterator>

#include "base/encoding.h"
#include "client/key_refusals.h"
#include "jobs/position.h"
#include "store/calls/dek_rewrap.h"
#include "store/key_order.h"
#include "store/numbers.h"

namespace rowseal {
namespace {

constexpr std::size_t kRewrapPage = 1000;  // DEK rows held at once

// A project belongs to `default` until it has a KEK of its own. Statements are whole, fixed texts.
const std::string& ReadOfDefault() {
  static const std::string sql = DekQuery(
      "WHERE (d.project_id, d.id) > ($1, $2) AND d.kek_id <> $3"
      "  AND (k.state IS NULL OR k.state <> 'suspended' OR k.id = $6)"
      " AND d.project_id NOT IN (SELECT s.scope FROM rowseal.kek s"
      "  WHERE s.purpose = 'wrap' AND s.scope <> $4)"
      " ORDER BY d.project_id, d.id LIMIT $5");
  return sql;
}
const std::string& ReadOfProject() {
  static const std::string sql = DekQuery(
      "WHERE (d.project_id, d.id) > ($1, $2) AND d.kek_id <> $3 AND d.project_id = $4"
      "  AND (k.state IS NULL OR k.state <> 'suspended' OR k.id = $6)"
      " ORDER BY d.project_id, d.id LIMIT $5");
  return sql;
}
constexpr std::string_view kCountOfDefault =
    "SELECT count(*) FROM rowseal.dek d WHERE d.kek_id <> $1"
    " AND d.project_id NOT IN (SELECT s.scope FROM rowseal.kek s"
    "  WHERE s.purpose = 'wrap' AND s.scope <> $2)";
constexpr std::string_view kCountOfProject =
    "SELECT count(*) FROM rowseal.dek d WHERE d.kek_id <> $1 AND d.project_id = $2";

}  // namespace

Result<Bytes> DekRewrapper::Rewrap(const DekRecord& dek) const {
  ROWSEAL_TRY(session_.integrity()->Verify(dek));
  ROWSEAL_ASSIGN(const std::shared_ptr<const Kek> old_kek, session_.keyring().OpenKek(dek.kek));
  ROWSEAL_ASSIGN(const Dek opened, UnwrapDek(dek, *old_kek, session_.installation()));
  return WrapDek(opened, dek, *kek_, session_.installation());
}

// A position is a project and a DEK's id.
Result<void> DekRewrapper::Read(Connection& connection, const std::string& position,
                                std::size_t limit) {
  items_.clear();
  failures_.clear();
  position_ = position;
  ROWSEAL_ASSIGN(std::vector<std::string> after, SplitPosition(position, 2));
  if (after.empty()) {
    after = {std::string(), std::string(kBeforeAnyId)};
  }
  ROWSEAL_ASSIGN(Rows page, connection.Execute(Statement::Sql(
                                scope_ == kDefaultScope ? ReadOfDefault() : ReadOfProject(),
                                {after[0], after[1], kek_->id.value, scope_,
                                 static_cast<std::int64_t>(limit), condemned_.value})));
  last_ = page.rows.size() < limit;
  for (Row& row : page.rows) {
    ROWSEAL_ASSIGN(const std::vector<std::string> key, TextKey(row, 2, "dek"));
    position_ = JoinPosition({key[0], key[1]});
    std::string name = "DEK " + Printable(key[1]) + " of project '" + Printable(key[0]) + "'";
    Result<DekAndKek> dek = ReadDekRow(row);
    if (dek) {
      items_.push_back({std::move(name), std::move(dek->dek), std::nullopt});
    } else {
      failures_.push_back({std::move(name), dek.error().message});
    }
  }
  return {};
}

Result<void> DekRewrapper::Work() {
  for (Item& item : items_) {
    Result<Bytes> wrapped = Rewrap(item.dek);
    if (wrapped) {
      item.wrapped = std::move(*wrapped);
    } else if (wrapped.error().code == ErrorCode::kIntegrity ||
               wrapped.error().code == ErrorCode::kRootKeyMissing) {
      failures_.push_back({item.name, wrapped.error().message});
    } else {
      return tl::unexpected(std::move(wrapped).error());
    }
  }
  return {};
}

Result<BatchOutcome> DekRewrapper::Write(Connection& connection) {
  DekRewrap::Request rewrap{{}, kek_->id};
  for (Item& item : items_) {
    if (item.wrapped) {
      rewrap.items.push_back(
          {item.dek.project, item.dek.id, std::move(*item.wrapped), item.dek.kek});
    }
  }
  BatchOutcome outcome;
  if (!rewrap.items.empty()) {
    ROWSEAL_ASSIGN(outcome.done, Ask(connection, std::move(rewrap)));
  }
  outcome.failures = failures_;
  outcome.position = position_;
  outcome.last = last_;
  return outcome;
}

Result<BatchOutcome> RewrapAll(Connection& connection, DekRewrapper& rewrapper) {
  BatchOutcome all;
  while (!all.last) {
    ROWSEAL_TRY(rewrapper.Read(connection, all.position, kRewrapPage));
    ROWSEAL_TRY(rewrapper.Work());
    ROWSEAL_ASSIGN(BatchOutcome page, rewrapper.Write(connection));
    all.done += page.done;
    all.position = std::move(page.position);
    all.last = page.last;
    std::ranges::move(page.failures, std::back_inserter(all.failures));
  }
  return all;
}

Result<const KekRecord*> RewrapBody::ActiveKek(const TrustedRead& read) const {
  const KekRecord* active = read.trust().ActiveKek(scope_);
  if (active == nullptr) {
    return NoActiveKek(read.trust(), scope_);
  }
  return active;
}

Result<std::int64_t> RewrapBody::Count(TrustedRead& read) {
  ROWSEAL_ASSIGN(const KekRecord* active, ActiveKek(read));
  return OneNumber(read.connection(), scope_ == kDefaultScope ? kCountOfDefault : kCountOfProject,
                   {active->id.value, scope_});
}

Result<void> RewrapBody::Read(TrustedRead& read, const std::string& position,
                              const BatchLimit& limit) {
  ROWSEAL_TRY(session_.CheckNotRolledBack());
  ROWSEAL_ASSIGN(const KekRecord* active, ActiveKek(read));
  if (!rewrapper_ || rewrapper_->kek() != active->id) {
    ROWSEAL_ASSIGN(std::shared_ptr<const Kek> kek, session_.keyring().OpenKek(active->id));
    rewrapper_.emplace(session_, std::move(kek), scope_);
  }
  return rewrapper_->Read(read.connection(), position, limit.items);
}

Result<BatchOutcome> RewrapBody::Write(Change& change) {
  ROWSEAL_ASSIGN(BatchOutcome outcome, rewrapper_->Write(change.connection()));
  session_.observer().Count(Counter::kDeksRewrapped, static_cast<std::uint64_t>(outcome.done));
  session_.observer().Count(Counter::kItemsQuarantined, outcome.failures.size());
  return outcome;
}

}  // namespace rowseal
