#include "client/change.h"

#include <set>

#include "client/client_inside.h"
#include "keys/ask_no_root.h"
#include "store/calls/trust_load.h"
#include "store/store_clock.h"

namespace rowseal {
namespace {

// Each attempt that fails has either met another change of the set, or has opened a KEK for the
// next one; a store has a few KEKs.
constexpr int kMostAttempts = 16;

bool IsSameSet(const TrustSet& one, const TrustSet& other) {
  const InstallationRecord& a = one.rows.installation;
  const InstallationRecord& b = other.rows.installation;
  return a.epoch == b.epoch && a.trust_tag == b.trust_tag;
}

}  // namespace

Result<Snapshot> TakeSnapshot(Client& client) {
  Session& session = ClientInside::SessionOf(client);
  TrustFloor floor = session.Floor();
  Rows answer;
  Timestamp now;
  {
    const auto lock = ClientInside::LockOf(client);
    Connection& connection = ClientInside::ConnectionOf(client);
    ROWSEAL_ASSIGN(answer, connection.Execute(AskTrust()));
    ROWSEAL_ASSIGN(now, StoreClock(connection));
  }
  // To open the integrity key, a root may have to be asked: without the client's lock, too.
  ROWSEAL_TRY(session.AdoptTrust(std::move(answer), floor));
  return Snapshot{session, session.keyring().trust(), now};
}

Result<Timestamp> StoreRead::Now() {
  if (!now_) {
    ROWSEAL_ASSIGN(now_, StoreClock(connection_));
  }
  return *now_;
}

TrustRows& Change::rows() {
  if (!rows_) {
    rows_ = trust().rows;
  }
  return *rows_;
}

Result<EntryId> Change::Audit(std::string_view action, std::string_view object,
                              std::string_view project) {
  has_entry_ = true;
  return WriteAudit(connection(), session(), project, access_, action, object);
}

void Change::Log(LogEvent event) {
  AfterCommit([this, event = std::move(event)] { observer().Log(event); });
}

/// ChangeRunner is one call: its attempts, each in a transaction of its own.
class ChangeRunner final {
 public:
  using Prepare = std::function<Result<void>(const Snapshot&)>;
  using Body = std::function<Result<void>(Change&)>;

  ChangeRunner(Client& client, Access access, ChangeKind kind, const Prepare& prepare,
               const Body& body)
      : client_(client),
        session_(ClientInside::SessionOf(client)),
        access_(std::move(access)),
        kind_(kind),
        prepare_(prepare),
        body_(body),
        needs_snapshot_(prepare != nullptr) {}

  Result<void> Run() {
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
      if (needs_snapshot_) {
        ROWSEAL_ASSIGN(const Snapshot snapshot, TakeSnapshot(client_));
        ROWSEAL_TRY(session_.CheckNotRolledBack());
        prepared_from_ = snapshot.trust;
        ROWSEAL_TRY(prepare_ ? prepare_(snapshot) : Result<void>());
      }
      again_ = needs_snapshot_ = false;
      Result<void> tried = Try();
      if (!again_) {
        return tried;
      }
    }
    return Fail(ErrorCode::kUnavailable,
                "the keys of the store were changed each time while their roots were asked",
                "retry");
  }

 private:
  Result<void> Try() {
    std::optional<TrustRows> committed;
    std::set<KekId> needed;
    {
      const auto lock = ClientInside::LockOf(client_);
      Connection& connection = ClientInside::ConnectionOf(client_);
      ROWSEAL_ASSIGN(Transaction transaction,
                     Transaction::Begin(connection, kind_.locks == ChangeKind::Locks::kStore
                                                        ? TransactionKind::kExclusive
                                                        : TransactionKind::kWrite));
      AskNoRoot local(answers_);
      Result<void> loaded = Load(connection);
      if (!loaded || again_) {
        again_ = needs_snapshot_ = again_ || local.refused();
        return loaded;
      }
      Change change(connection, session_, access_);
      Result<void> done = Finish(change);
      needed = local.needed();  // also where the body went on without them
      if (needed.empty()) {
        ROWSEAL_TRY(done);
        if (change.nothing_to_do_) {
          return {};
        }
        ROWSEAL_TRY(transaction.Commit());
        committed = std::move(change.rows_);
        for (const std::function<void()>& then : change.after_commit_) {
          then();
        }
      }
    }
    if (committed) {
      session_.AdoptCommitted(*committed);
    }
    AskFor(needed);
    return {};
  }

  Result<void> Load(Connection& connection) {
    ROWSEAL_TRY(session_.LoadTrust(connection));
    if (kind_.older_copy == ChangeKind::OlderCopy::kRefused) {
      ROWSEAL_TRY(session_.CheckNotRolledBack());
    }
    again_ = prepare_ && !IsSameSet(*prepared_from_, *session_.keyring().trust());
    return {};
  }

  Result<void> Finish(Change& change) {
    ROWSEAL_TRY(body_(change));
    if (change.nothing_to_do_) {
      return {};
    }
    if (!change.has_entry_ && kind_.entry == ChangeKind::Entry::kNeeded) {
      return Fail(ErrorCode::kInternal, "a change wrote no audit entry");
    }
    if (!change.rows_) {
      return {};
    }
    InstallationRecord& installation = change.rows_->installation;
    ++installation.epoch;
    ROWSEAL_ASSIGN(installation.trust_tag, change.integrity().TrustTag(*change.rows_));
    return UpdateInstallation(change.connection(), installation);
  }

  // What a root says now, it does not say again in the next attempt: its refusal is kept as well.
  void AskFor(const std::set<KekId>& needed) {
    for (const KekId kek : needed) {
      if (const auto opened = session_.keyring().OpenKek(kek); !opened) {
        answers_.insert_or_assign(kek, opened.error());
      }
    }
    again_ = !needed.empty();
  }

  Client& client_;
  Session& session_;
  const Access access_;
  const ChangeKind kind_;
  const Prepare& prepare_;
  const Body& body_;
  std::shared_ptr<const TrustSet> prepared_from_;
  AskNoRoot::Answers answers_;
  bool needs_snapshot_;  // before the next attempt, without a lock
  bool again_ = false;
};

Result<void> RunChange(Client& client, const Access& access, ChangeKind kind,
                       const std::function<Result<void>(const Snapshot&)>& prepare,
                       const std::function<Result<void>(Change&)>& body) {
  ROWSEAL_ASSIGN(Access complete, ClientInside::SessionOf(client).Complete(access));
  return ChangeRunner(client, std::move(complete), kind, prepare, body).Run();
}

Result<void> RunTrustedRead(Client& client, const std::function<Result<void>(TrustedRead&)>& body) {
  const auto lock = ClientInside::LockOf(client);
  Connection& connection = ClientInside::ConnectionOf(client);
  Session& session = ClientInside::SessionOf(client);
  ROWSEAL_ASSIGN(Transaction transaction, Transaction::Begin(connection, TransactionKind::kRead));
  ROWSEAL_TRY(session.LoadTrust(connection));
  TrustedRead read(connection, session);
  ROWSEAL_TRY(body(read));
  return transaction.Commit();
}

Result<void> RunStoreRead(Client& client, const std::function<Result<void>(StoreRead&)>& body) {
  const auto lock = ClientInside::LockOf(client);
  StoreRead read(ClientInside::ConnectionOf(client), ClientInside::SessionOf(client));
  return body(read);
}

Observer& ObserverOf(Client& client) noexcept { return ClientInside::SessionOf(client).observer(); }

Result<void> LogRead(Client& client, const Access& access, std::string_view action,
                     std::string_view object) {
  return ReadStore(client, [&](StoreRead& store) -> Result<void> {
    ROWSEAL_ASSIGN(const Access complete, store.session().Complete(access));
    ROWSEAL_TRY(
        WriteAudit(store.connection(), store.session(), kSystemProject, complete, action, object));
    return {};
  });
}

Result<void> CheckMayChange(Client& client, const Access& access) {
  return ReadTrusted(client, [&](TrustedRead& read) -> Result<void> {
    ROWSEAL_TRY(read.session().Complete(access));
    return read.session().CheckNotRolledBack();
  });
}

}  // namespace rowseal
