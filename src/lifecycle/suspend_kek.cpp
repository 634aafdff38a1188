#include <rowseal/key_states.h>

#include "client/audit.h"
#include "lifecycle/kek_change.h"

namespace rowseal {
namespace {

void LogState(Observer& observer, KekId kek, KeyState state) {
  observer.Log({LogLevel::kInfo,
                "kek_state_changed",
                "a KEK has another state",
                {{"kek", ToText(kek)}, {"state", std::string(ToText(state))}}});
}

}  // namespace

Result<void> SuspendKek(Client& client, KekId kek, const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  KekChange change(session);
  ROWSEAL_TRY(change.Move(kek, KeyState::kSuspended));
  ROWSEAL_TRY(change.Write(connection));
  ROWSEAL_TRY(
      WriteAudit(connection, session, kSystemProject, complete, "kek.suspend", ToText(kek)));
  ROWSEAL_TRY(transaction.Commit());
  change.Adopt();
  LogState(session.observer(), kek, KeyState::kSuspended);
  return {};
}

Result<KeyState> ResumeKek(Client& client, KekId kek, const Access& access) {
  const auto lock = client.Lock();
  Session& session = client.session();
  Connection& connection = client.connection();
  ROWSEAL_ASSIGN(const Access complete, session.Complete(access));
  ROWSEAL_ASSIGN(Transaction transaction,
                 Transaction::Begin(connection, TransactionKind::kExclusive));
  ROWSEAL_TRY(session.LoadTrust(connection));
  ROWSEAL_ASSIGN(const KekRecord* record, FindWrapKek(session.keyring().trust()->rows, kek));
  if (record->state != KeyState::kSuspended || !record->resumes_to) {
    return Fail(ErrorCode::kRefusedByState,
                "KEK " + ToText(kek) + " is " + std::string(ToText(record->state)) +
                    ", and only a suspended one is resumed",
                "rowseal kek list shows the states of keys");
  }
  const KeyState state = *record->resumes_to;
  KekChange change(session);
  ROWSEAL_TRY(change.Move(kek, state));
  ROWSEAL_TRY(change.Write(connection));
  ROWSEAL_TRY(WriteAudit(connection, session, kSystemProject, complete, "kek.resume", ToText(kek)));
  ROWSEAL_TRY(transaction.Commit());
  change.Adopt();
  LogState(session.observer(), kek, state);
  return state;
}

}  // namespace rowseal
