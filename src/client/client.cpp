#include <rowseal/client.h>

#include <chrono>
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

namespace rowseal {
namespace {

constexpr std::int64_t kMaxPage = 10'000;

Result<void> CheckLimit(std::int64_t limit) {
  if (limit < 1 || limit > kMaxPage) {
    return Fail(ErrorCode::kInvalidArgument, "a page has 1 to 10,000 rows");
  }
  return {};
}

Result<SecretSummary> ReadSummary(Row& row) {
  RowReader reader(row);
  ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(reader.Text()));
  ROWSEAL_ASSIGN(const SecretKind kind, ParseSecretKind(reader.Text()));
  ROWSEAL_ASSIGN(const SecretId id, ParseUuid<SecretId>(reader.Text()));
  SecretSummary summary{std::move(name), kind, id, {}, 0, {}, {}, {}};
  summary.newest.value = reader.Integer();
  summary.versions = reader.Integer();
  summary.expires_at = reader.OptionalTime();
  summary.created_at = reader.Time();
  summary.updated_at = reader.Time();
  ROWSEAL_TRY(reader.status());
  return summary;
}

}  // namespace

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

Result<std::vector<SecretSummary>> Client::List(const ProjectId& project, std::string_view after,
                                                std::int64_t limit) {
  ROWSEAL_TRY(CheckLimit(limit));
  const std::lock_guard lock(state_->mutex);
  ROWSEAL_ASSIGN(Rows answer,
                 state_->connection->Execute(Statement::Call(
                     Procedure::kSecretList, {project.text(), std::string(after), limit})));
  std::vector<SecretSummary> summaries;
  for (Row& row : answer.rows) {
    ROWSEAL_ASSIGN(SecretSummary summary, ReadSummary(row));
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

Result<std::vector<VersionSummary>> Client::Versions(const ProjectId& project,
                                                     const SecretName& name) {
  const std::lock_guard lock(state_->mutex);
  ROWSEAL_ASSIGN(Rows answer, state_->connection->Execute(Statement::Call(
                                  Procedure::kSecretVersions, {project.text(), name.text()})));
  if (answer.rows.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there is no secret '" + name.text() + "' in project '" + project.text() + "'",
                "rowseal secret list shows what is there");
  }
  std::vector<VersionSummary> versions;
  for (Row& row : answer.rows) {
    RowReader reader(row);
    VersionSummary version;
    version.version.value = reader.Integer();
    version.expires_at = reader.OptionalTime();
    version.created_at = reader.Time();
    version.created_by = reader.Text();
    ROWSEAL_TRY(reader.status());
    versions.push_back(std::move(version));
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

Result<std::vector<ColumnSummary>> Client::Columns() {
  return ReadTrusted(*this, [](TrustedRead& read) -> Result<std::vector<ColumnSummary>> {
    ROWSEAL_ASSIGN(const std::vector<ColumnRecord> columns, ReadColumns(read));
    std::vector<ColumnSummary> summaries;
    for (const ColumnRecord& column : columns) {
      summaries.push_back({column.label, column.context, column.state == ColumnState::kActive,
                           column.source, column.created_at});
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

Result<std::vector<AuditEntry>> Client::AuditLog(const ProjectId& project, std::int64_t limit) {
  ROWSEAL_TRY(CheckLimit(limit));
  const std::lock_guard lock(state_->mutex);
  return ReadAuditLog(*state_->connection, project, limit);
}

}  // namespace rowseal
