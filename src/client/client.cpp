#include <rowseal/client.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>

#include "client/audit.h"
#include "client/change.h"
#include "client/client_inside.h"
#include "client/columns.h"
#include "client/get_operation.h"
#include "client/only_item.h"
#include "client/put_operation.h"
#include "client/secret_reseal.h"
#include "client/session.h"
#include "client/value_operation.h"
#include "observe/stopwatch.h"
#include "store/calls/secret_list.h"
#include "store/calls/secret_versions.h"
#include "store/key_order.h"

namespace rowseal {

struct Client::State {
  std::unique_ptr<Connection> connection;
  Session session;
  std::mutex mutex;  // one operation at a time on the connection
};

Client::Client(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Session& ClientInside::SessionOf(Client& client) noexcept { return client.state_->session; }
Connection& ClientInside::ConnectionOf(Client& client) noexcept {
  return *client.state_->connection;
}
std::unique_lock<std::mutex> ClientInside::LockOf(Client& client) {
  return std::unique_lock(client.state_->mutex);
}

Result<Client> Client::Connect(std::unique_ptr<Connection> connection,
                               std::vector<std::shared_ptr<const RootProvider>> roots,
                               ClientOptions options) {
  std::unique_ptr<State> state(
      new State{std::move(connection), Session(std::move(roots), std::move(options)), {}});
  ROWSEAL_TRY(state->session.LoadTrust(*state->connection));
  state->session.WarnOnceIfMemoryIsNotLocked();
  return Client(std::move(state));
}

void Client::ForgetKeys() { state_->session.keyring().DropKeys(); }

Result<Secret> Client::Get(const ProjectId& project, const SecretName& name,
                           std::optional<SecretVersion> version, const Access& access) {
  return OnlyItem(GetBatch(project, {SecretRef{name, version}}, access));
}

Result<std::vector<Result<Secret>>> Client::GetBatch(const ProjectId& project,
                                                     const std::vector<SecretRef>& secrets,
                                                     const Access& access) {
  const std::lock_guard lock(state_->mutex);
  const Stopwatch stopwatch(state_->session.observer(), Timer::kGet);
  ROWSEAL_ASSIGN(Access complete, state_->session.Complete(access));
  GetOperation operation(state_->session, project, secrets, std::move(complete));
  RunOperation(*state_->connection, operation);
  return std::move(operation).Take();
}

Result<StoredSecret> Client::Put(const ProjectId& project, const PutItem& item,
                                 const Access& access) {
  return OnlyItem(PutBatch(project, {item}, Batch::kEachAlone, access));
}

Result<std::vector<Result<StoredSecret>>> Client::PutBatch(const ProjectId& project,
                                                           const std::vector<PutItem>& items,
                                                           Batch batch, const Access& access) {
  const std::lock_guard lock(state_->mutex);
  const Stopwatch stopwatch(state_->session.observer(), Timer::kPut);
  ROWSEAL_ASSIGN(Access complete, state_->session.Complete(access));
  PutOperation operation(state_->session, project, items, batch, std::move(complete));
  RunOperation(*state_->connection, operation);
  return std::move(operation).Take();
}

Result<Listing<SecretSummary>> Client::List(const ProjectId& project, std::string_view after,
                                            std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  const std::lock_guard lock(state_->mutex);
  SecretList::Request page{project, {}, limit};
  if (!after.empty()) {
    page.after = std::string(after);
  }
  Listing<SecretSummary> summaries;
  while (true) {
    ROWSEAL_ASSIGN(SecretList::Answer answer, Ask(*state_->connection, page));
    for (SecretList::Row& row : answer.secrets) {
      summaries.push_back({std::move(row.name), row.kind, row.id, row.newest, row.versions,
                           row.expires_at, row.created_at, row.updated_at});
    }
    std::ranges::move(answer.secrets.unreadable, std::back_inserter(summaries.unreadable));
    // Rows that cannot be read do not make a page look like the last one.
    page.limit = limit - static_cast<std::int64_t>(summaries.size());
    if (!answer.is_full || page.limit == 0) {
      return summaries;
    }
    page.after = std::move(answer.last);
  }
}

Result<Listing<VersionSummary>> Client::Versions(const ProjectId& project, const SecretName& name) {
  const std::lock_guard lock(state_->mutex);
  ROWSEAL_ASSIGN(SecretVersions::Answer kept,
                 Ask(*state_->connection, SecretVersions::Request{project, name}));
  if (kept.empty() && kept.unreadable.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there is no secret '" + name.text() + "' in project '" + project.text() + "'",
                "rowseal secret list shows what is there");
  }
  Listing<VersionSummary> versions;
  versions.unreadable = std::move(kept.unreadable);
  for (SecretVersions::Row& row : kept) {
    versions.push_back({row.version, row.expires_at, row.created_at, std::move(row.created_by)});
  }
  return versions;
}

Result<StoredSecret> Client::Rollback(const ProjectId& project, const SecretName& name,
                                      SecretVersion version, const Access& access) {
  const std::lock_guard lock(state_->mutex);
  ROWSEAL_ASSIGN(const Access complete, state_->session.Complete(access));
  GetOperation get(state_->session, project, {SecretRef{name, version}}, complete, "rollback");
  RunOperation(*state_->connection, get);
  ROWSEAL_ASSIGN(std::vector<Result<Secret>> old, std::move(get).Take());
  if (!old.front()) {
    return tl::unexpected(std::move(old.front()).error());
  }
  const Secret& secret = *old.front();
  const std::vector<PutItem> items = {
      PutItem{name, secret.value.Reveal(), secret.kind, secret.expires_at}};
  PutOperation put(state_->session, project, items, Batch::kEachAlone, complete, "rollback");
  put.OnlyInto(secret.id);
  RunOperation(*state_->connection, put);
  ROWSEAL_ASSIGN(std::vector<Result<StoredSecret>> stored, std::move(put).Take());
  return std::move(stored.front());
}

Result<void> Client::Rename(const ProjectId& project, const SecretName& name,
                            const SecretName& new_name, const Access& access) {
  return RenameSecret(*this, project, name, new_name, access);
}

Result<void> Client::Expire(const ProjectId& project, const SecretName& name,
                            std::optional<SecretVersion> version,
                            std::optional<Timestamp> expires_at, const Access& access) {
  return ExpireSecret(*this, project, name, version, expires_at, access);
}

Result<void> Client::Delete(const ProjectId& project, const SecretName& name,
                            const Access& access) {
  return DeleteSecret(*this, project, name, access);
}

Result<void> Client::AddColumn(const ColumnLabel& label, ContextKind context, const Access& access,
                               const std::optional<ColumnSource>& source) {
  return AddSealedColumn(*this, label, context, source, access);
}

Result<void> Client::RemoveColumn(const ColumnLabel& label, const Access& access) {
  return RemoveSealedColumn(*this, label, access);
}

Result<Listing<ColumnSummary>> Client::Columns() {
  return ReadTrusted(*this, [](TrustedRead& read) -> Result<Listing<ColumnSummary>> {
    ROWSEAL_ASSIGN(Listing<ColumnRecord> columns, ReadColumns(read));
    Listing<ColumnSummary> summaries;
    summaries.unreadable = std::move(columns.unreadable);
    for (const ColumnRecord& column : columns) {
      summaries.push_back(
          {column.label, column.context, column.state, column.source, column.created_at});
    }
    return summaries;
  });
}

Result<std::string> Client::SealValue(const ProjectId& project, const ColumnLabel& label,
                                      ByteView value, const std::vector<std::string>& row_key,
                                      const Access& access) {
  std::vector<ValueToSeal> one(1);
  ROWSEAL_ASSIGN(one.front().value, SecretBytes::CopyOf(value));
  one.front().row_key = row_key;
  return OnlyItem(SealValues(project, label, one, access));
}

Result<SecretBytes> Client::OpenValue(const ProjectId& project, const ColumnLabel& label,
                                      std::string_view sealed,
                                      const std::vector<std::string>& row_key,
                                      const Access& access) {
  return OnlyItem(OpenValues(project, label, {{std::string(sealed), row_key}}, access));
}

Result<Client::SealedValues> Client::SealValues(const ProjectId& project, const ColumnLabel& label,
                                                const std::vector<ValueToSeal>& values,
                                                const Access& access) {
  const std::lock_guard lock(state_->mutex);
  ROWSEAL_TRY(state_->session.Complete(access));
  SealValuesOperation operation(state_->session, project, label, values);
  RunOperation(*state_->connection, operation);
  return std::move(operation).Take();
}

Result<Client::OpenedValues> Client::OpenValues(const ProjectId& project, const ColumnLabel& label,
                                                const std::vector<ValueToOpen>& values,
                                                const Access& access) {
  const std::lock_guard lock(state_->mutex);
  ROWSEAL_ASSIGN(Access complete, state_->session.Complete(access));
  OpenValuesOperation operation(state_->session, project, label, values, std::move(complete));
  RunOperation(*state_->connection, operation);
  return std::move(operation).Take();
}

void Client::Run(Operation& call) {
  const std::lock_guard lock(state_->mutex);
  RunOperation(*state_->connection, call);
}

Result<Listing<AuditEntry>> Client::AuditLog(const ProjectId& project, std::int64_t limit) {
  ROWSEAL_TRY(CheckPage(limit));
  const std::lock_guard lock(state_->mutex);
  return ReadAuditLog(*state_->connection, project, limit);
}

}  // namespace rowseal
