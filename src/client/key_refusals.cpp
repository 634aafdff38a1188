#include "client/key_refusals.h"

namespace rowseal {

std::string WayOut(const KekRecord& kek) {
  switch (kek.state) {
    case KeyState::kSuspended:
      return "rowseal kek resume " + ToText(kek.id) + " lets it be used again";
    case KeyState::kCompromised:
      return "rowseal kek compromised " + ToText(kek.id) + " moves what it wraps to the active KEK";
    case KeyState::kDeactivated:
      return "rowseal kek rewrap moves what it wraps to the active KEK";
    default:
      return "rowseal kek list shows the states of keys";
  }
}

tl::unexpected<Error> KekRefused(const KekRecord& kek) {
  return Fail(ErrorCode::kRefusedByState,
              "KEK " + ToText(kek.id) + " is " + std::string(ToText(kek.state)), WayOut(kek));
}

tl::unexpected<Error> DekRefused(const DekRecord& dek) {
  return Fail(ErrorCode::kRefusedByState,
              "DEK " + ToText(dek.id) + " of project '" + dek.project.text() + "' is " +
                  std::string(ToText(dek.state)),
              "rowseal dek rotate --project makes a new one");
}

tl::unexpected<Error> DekBelowFloor(const DekRecord& dek) {
  return Fail(ErrorCode::kRefusedByState,
              "DEK " + ToText(dek.id) + " of project '" + dek.project.text() +
                  "' was made before its keys were declared compromised",
              "nothing is sealed or opened with it any more: put the value anew");
}

const KekRecord* SuspendedActiveKek(const TrustSet& trust, std::string_view scope) noexcept {
  for (const KekRecord& kek : trust.rows.keks) {
    if (kek.scope == scope && kek.purpose == KekPurpose::kWrap &&
        kek.state == KeyState::kSuspended && kek.resumes_to == KeyState::kActive) {
      return &kek;
    }
  }
  return nullptr;
}

tl::unexpected<Error> NoActiveKek(const TrustSet& trust, std::string_view scope) {
  if (const KekRecord* suspended = SuspendedActiveKek(trust, scope)) {
    return KekRefused(*suspended);
  }
  return Fail(ErrorCode::kRefusedByState, "no KEK of scope '" + std::string(scope) + "' is active",
              "rowseal kek list shows the states of keys");
}

Result<void> CheckMaySeal(Session& session) {
  ROWSEAL_TRY(session.CheckNotRolledBack());
  const std::shared_ptr<const TrustSet> trust = session.keyring().trust();
  if (trust->ActiveKek(kDefaultScope) == nullptr) {
    return NoActiveKek(*trust, kDefaultScope);
  }
  return {};
}

}  // namespace rowseal
