#include "lifecycle/floors.h"

#include <algorithm>

#include "store/numbers.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

FloorRecord& FloorsOf(Change& change, std::string_view scope) {
  std::vector<FloorRecord>& floors = change.rows().floors;
  const auto found = std::ranges::find(floors, scope, &FloorRecord::scope);
  return found != floors.end() ? *found : floors.emplace_back(FloorRecord{std::string(scope)});
}

Result<bool> AnyVersionIsBelow(Connection& connection, const FloorRecord& floor) {
  ROWSEAL_ASSIGN(const std::int64_t any,
                 OneNumber(connection,
                           "SELECT EXISTS (SELECT 1 FROM rowseal.dek d"
                           " JOIN rowseal.kek k ON k.id = d.kek_id"
                           " JOIN rowseal.secret_version v ON v.project_id = d.project_id"
                           "  AND v.dek_id = d.id"
                           " WHERE k.scope = $1 AND d.born_epoch < $2)",
                           {floor.scope, floor.seal}));
  return any != 0;
}

}  // namespace

Result<void> RaiseSealFloor(Change& change, std::string_view scope) {
  FloorRecord& floors = FloorsOf(change, scope);
  floors.seal = change.epoch();
  ROWSEAL_TRY(WriteFloor(change.connection(), floors));
  for (KekRecord& kek : change.rows().keks) {
    if (kek.scope != scope || kek.purpose != KekPurpose::kWrap) {
      continue;
    }
    const Revision seen = kek.revision;
    ++kek.revision.value;
    ROWSEAL_ASSIGN(kek.row_tag, change.integrity().Tag(kek));
    ROWSEAL_TRY(UpdateKekState(change.connection(), kek, seen));
  }
  return {};
}

Result<void> RaiseSecretsFloors(Change& change) {
  for (const FloorRecord& floor : change.trust().rows.floors) {
    if (floor.secrets == floor.seal) {
      continue;
    }
    ROWSEAL_ASSIGN(const bool is_needed, AnyVersionIsBelow(change.connection(), floor));
    if (is_needed) {
      continue;
    }
    FloorRecord& raised = FloorsOf(change, floor.scope);
    raised.secrets = raised.seal;
    ROWSEAL_TRY(WriteFloor(change.connection(), raised));
    ROWSEAL_TRY(change.Audit("key.floor", floor.scope + " secrets " + std::to_string(raised.seal)));
    change.Log({LogLevel::kInfo,
                "secrets_floor_raised",
                "no secret is opened any more with a DEK from before the compromise",
                {{"scope", floor.scope}, {"epoch", std::to_string(raised.seal)}}});
  }
  return {};
}

}  // namespace rowseal
