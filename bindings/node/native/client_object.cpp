#include "client_object.h"

#include "results.h"
#include "values.h"

namespace rowseal::node {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

using ToJs = Worker::ToJs;

Error Closed() { return {ErrorCode::kInvalidArgument, "the client is closed", "connect again"}; }

ToJs Nothing() {
  return [](Napi::Env env) { return env.Undefined(); };
}

// A log event may come on any thread, so it is copied and told later.
LogSink SinkTo(std::weak_ptr<Worker>* place, std::shared_ptr<Napi::FunctionReference> listener) {
  return [place, listener = std::move(listener)](const LogEvent& event) {
    const std::shared_ptr<Worker> worker = place->lock();
    if (!worker) {
      return;
    }
    std::vector<std::pair<std::string, std::string>> fields;
    for (const auto& [name, value] : event.fields) {
      fields.emplace_back(name, value);
    }
    worker->Post([listener, level = std::string(ToText(event.level)),
                  name = std::string(event.name), message = event.message,
                  fields = std::move(fields)](Napi::Env env) {
      Napi::Object told = Napi::Object::New(env);
      told["level"] = level;
      told["name"] = name;
      told["message"] = message;
      Napi::Object details = Napi::Object::New(env);
      for (const auto& [key, value] : fields) {
        details[key] = value;
      }
      told["fields"] = details;
      listener->Call({told});
    });
  };
}

}  // namespace

void Stops::Add(double run) {
  const std::lock_guard lock(mutex_);
  runs_.insert(run);
}

bool Stops::Holds(double run) {
  const std::lock_guard lock(mutex_);
  return runs_.contains(run);
}

Napi::Function ClientObject::Define(Napi::Env env) {
  return DefineClass(env, "NativeClient",
                     {InstanceMethod<&ClientObject::Open>("open"),
                      InstanceMethod<&ClientObject::Close>("close"),
                      InstanceMethod<&ClientObject::Answer>("answer"),
                      InstanceMethod<&ClientObject::AddPiece>("addPiece"),
                      InstanceMethod<&ClientObject::AddRows>("addRows"),
                      InstanceMethod<&ClientObject::Refuse>("refuse"),
                      InstanceMethod<&ClientObject::RunCall>("runCall"),
                      InstanceMethod<&ClientObject::StartGet>("startGet"),
                      InstanceMethod<&ClientObject::StartPut>("startPut"),
                      InstanceMethod<&ClientObject::StartSealValues>("startSealValues"),
                      InstanceMethod<&ClientObject::StartOpenValues>("startOpenValues"),
                      InstanceMethod<&ClientObject::StartVerify>("startVerify"),
                      InstanceMethod<&ClientObject::StartSign>("startSign"),
                      InstanceMethod<&ClientObject::List>("list"),
                      InstanceMethod<&ClientObject::Versions>("versions"),
                      InstanceMethod<&ClientObject::Rollback>("rollback"),
                      InstanceMethod<&ClientObject::Rename>("rename"),
                      InstanceMethod<&ClientObject::Remove>("remove"),
                      InstanceMethod<&ClientObject::Expire>("expire"),
                      InstanceMethod<&ClientObject::AddColumn>("addColumn"),
                      InstanceMethod<&ClientObject::RemoveColumn>("removeColumn"),
                      InstanceMethod<&ClientObject::Columns>("columns"),
                      InstanceMethod<&ClientObject::AuditLog>("auditLog"),
                      InstanceMethod<&ClientObject::RotateKek>("rotateKek"),
                      InstanceMethod<&ClientObject::RotateDeks>("rotateDeks"),
                      InstanceMethod<&ClientObject::SuspendKek>("suspendKek"),
                      InstanceMethod<&ClientObject::ResumeKek>("resumeKek"),
                      InstanceMethod<&ClientObject::DeclareCompromised>("declareCompromised"),
                      InstanceMethod<&ClientObject::DestroyKek>("destroyKek"),
                      InstanceMethod<&ClientObject::RetireProject>("retireProject"),
                      InstanceMethod<&ClientObject::Keks>("keks"),
                      InstanceMethod<&ClientObject::Roots>("roots"),
                      InstanceMethod<&ClientObject::AddRoot>("addRoot"),
                      InstanceMethod<&ClientObject::ReplaceRoot>("replaceRoot"),
                      InstanceMethod<&ClientObject::RemoveRoot>("removeRoot"),
                      InstanceMethod<&ClientObject::CompromiseRoot>("compromiseRoot"),
                      InstanceMethod<&ClientObject::ExportKeys>("exportKeys"),
                      InstanceMethod<&ClientObject::Maintain>("maintain"),
                      InstanceMethod<&ClientObject::StopJobs>("stopJobs"),
                      InstanceMethod<&ClientObject::KeyStatus>("keyStatus"),
                      InstanceMethod<&ClientObject::Metrics>("metrics")});
}

ClientObject::ClientObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ClientObject>(info) {
  const auto options = info[0].As<Napi::Object>();
  options_.store = Text(options.Get("store"));
  options_.roots = Texts(options.Get("roots"));
  options_.client.actor = Text(options.Get("actor"));
  options_.client.state_folder = Text(options.Get("state"));
  worker_ = Worker::Start(info.Env(), info[1].As<Napi::Function>());
  auto place = std::make_shared<std::weak_ptr<Worker>>(worker_);
  auto listener =
      std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[2].As<Napi::Function>()));
  listener->SuppressDestruct();  // the last event may go after the environment
  LogSink sink = SinkTo(place.get(), std::move(listener));
  observer_ = std::make_shared<Observer>(
      [place, sink = std::move(sink)](const LogEvent& event) { sink(event); });
  options_.client.observer = observer_;
}

Napi::Value ClientObject::Submit(Napi::Env env, Task task) {
  if (!client_) {
    auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(ErrorValue(env, Closed()));
    return deferred.Promise();
  }
  Ref();
  return worker_->Submit(
      env, [client = client_, task = std::move(task)] { return task(*client); },
      [this] { Unref(); });
}

Napi::Value ClientObject::Open(const Napi::CallbackInfo& info) {
  Ref();
  auto opened = std::make_shared<std::shared_ptr<Client>>();
  return worker_->Submit(
      info.Env(),
      [this, opened]() -> Result<ToJs> {
        Result<Client> client = [&]() -> Result<Client> {
          if (options_.store.starts_with(kSqlite)) {
            return OpenStoreFile(options_);
          }
          return OpenStoreOver(std::make_unique<NodeConnection>(*worker_), options_);
        }();
        if (!client) {
          return tl::unexpected(std::move(client).error());
        }
        *opened = std::make_shared<Client>(std::move(*client));
        return Nothing();
      },
      [this, opened] {
        client_ = std::move(*opened);
        Unref();
      });
}

// The promise settles when every task before it has ended; then the thread ends.
Napi::Value ClientObject::Close(const Napi::CallbackInfo& info) {
  client_.reset();
  Ref();
  return worker_->Submit(
      info.Env(), []() -> Result<ToJs> { return Nothing(); },
      [this] {
        worker_->Stop();
        Unref();
      });
}

void ClientObject::AddPiece(const Napi::CallbackInfo& info) { gatherer_.AddPiece(info); }

void ClientObject::AddRows(const Napi::CallbackInfo& info) { gatherer_.AddRows(info[0]); }

void ClientObject::Answer(const Napi::CallbackInfo& info) {
  worker_->Answer(gatherer_.Finish(info[0]));
}

void ClientObject::Refuse(const Napi::CallbackInfo& info) {
  const auto code = static_cast<ErrorCode>(info[0].As<Napi::Number>().Uint32Value());
  const auto failure = static_cast<ServerFailure>(info[3].As<Napi::Number>().Uint32Value());
  worker_->Answer(tl::unexpected(ServerError{{code, Text(info[1]), Text(info[2])}, failure}));
}

Napi::Value ClientObject::RunCall(const Napi::CallbackInfo& info) {
  CallObject* const call = CallObject::Unwrap(info[0].As<Napi::Object>());
  call->Ref();
  Ref();
  return worker_->Submit(
      info.Env(),
      [call]() -> Result<ToJs> {
        call->RunOverOwnConnection();
        return Nothing();
      },
      [this, call] {
        call->Unref();
        Unref();
      });
}

Napi::Value ClientObject::List(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), after = Text(info[1]),
                 limit = info[2].As<Napi::Number>().Int64Value()](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(std::vector<SecretSummary> page, client.List(id, after, limit));
                  return ListOf<SecretSummary>(std::move(page), SummaryValue);
                });
}

Napi::Value ClientObject::Versions(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), name = Text(info[1])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
                  ROWSEAL_ASSIGN(std::vector<VersionSummary> kept, client.Versions(id, secret));
                  return ListOf<VersionSummary>(std::move(kept), VersionValue);
                });
}

Napi::Value ClientObject::Rollback(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), name = Text(info[1]),
                 version = info[2].As<Napi::Number>().Int64Value(),
                 access = AccessOf(info[3])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
                  ROWSEAL_ASSIGN(const StoredSecret stored,
                                 client.Rollback(id, secret, SecretVersion{version}, access));
                  return ToJs([stored](Napi::Env env) {
                    StoredSecret given = stored;
                    return StoredValue(env, given);
                  });
                });
}

Napi::Value ClientObject::Rename(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), name = Text(info[1]), to = Text(info[2]),
                 access = AccessOf(info[3])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
                  ROWSEAL_ASSIGN(const SecretName new_name, SecretName::Parse(to));
                  ROWSEAL_TRY(client.Rename(id, secret, new_name, access));
                  return Nothing();
                });
}

Napi::Value ClientObject::Remove(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), name = Text(info[1]),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
                  ROWSEAL_TRY(client.Delete(id, secret, access));
                  return Nothing();
                });
}

Napi::Value ClientObject::Expire(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), name = Text(info[1]), at = OptionalTime(info[2]),
                 access = AccessOf(info[3])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
                  ROWSEAL_TRY(client.Expire(id, secret, {}, at, access));
                  return Nothing();
                });
}

Napi::Value ClientObject::AddColumn(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [label = Text(info[0]), context = Text(info[1]),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ColumnLabel column, ColumnLabel::Parse(label));
                  ROWSEAL_ASSIGN(const ContextKind kind, ParseContextKind(context));
                  ROWSEAL_TRY(client.AddColumn(column, kind, access));
                  return Nothing();
                });
}

Napi::Value ClientObject::RemoveColumn(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [label = Text(info[0]), access = AccessOf(info[1])](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const ColumnLabel column, ColumnLabel::Parse(label));
        ROWSEAL_TRY(client.RemoveColumn(column, access));
        return Nothing();
      });
}

Napi::Value ClientObject::Columns(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(std::vector<ColumnSummary> columns, client.Columns());
    return ListOf<ColumnSummary>(std::move(columns), ColumnValue);
  });
}

Napi::Value ClientObject::AuditLog(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]),
                 limit = info[1].As<Napi::Number>().Int64Value()](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(std::vector<AuditEntry> entries, client.AuditLog(id, limit));
                  return ListOf<AuditEntry>(std::move(entries), AuditEntryValue);
                });
}

// Stops the jobs of the run that a caller numbered, at the next batch.
RunJobsOptions ClientObject::JobsOf(double run) {
  RunJobsOptions options;
  options.on_progress = [stops = stops_, run](const JobSummary&) { return !stops->Holds(run); };
  return options;
}

void ClientObject::StopJobs(const Napi::CallbackInfo& info) {
  stops_->Add(info[0].As<Napi::Number>().DoubleValue());
}

Napi::Value ClientObject::Maintain(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [access = AccessOf(info[0]),
       options = JobsOf(info[1].As<Napi::Number>().DoubleValue())](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const MaintainReport report, rowseal::Maintain(client, options, access));
        return ToJs([report](Napi::Env env) {
          auto value = JobsValue(env, report.jobs).As<Napi::Object>();
          value["kekRotation"] =
              report.kek_rotation ? RotationValue(env, *report.kek_rotation) : env.Null();
          return value;
        });
      });
}

Napi::Value ClientObject::Metrics(const Napi::CallbackInfo& info) {
  return MetricsValue(info.Env(), *observer_);
}

}  // namespace rowseal::node
