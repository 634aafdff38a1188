#include "client_object.h"

#include "results.h"
#include "values.h"

namespace rowseal::node {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

using ToJs = Worker::ToJs;

Error Closed() { return {ErrorCode::kInvalidArgument, "the client is closed", "connect again"}; }

Result<ToJs> Nothing(const Result<void>& done = {}) {
  ROWSEAL_TRY(done);
  return ToJs([](Napi::Env env) { return env.Undefined(); });
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
      SetOwn(told, "level", level);
      SetOwn(told, "name", name);
      SetOwn(told, "message", message);
      Napi::Object details = Napi::Object::New(env);
      for (const auto& [key, value] : fields) {
        SetOwn(details, key, value);
      }
      SetOwn(told, "fields", details);
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
                      InstanceMethod<&ClientObject::UnreadableDeks>("unreadableDeks"),
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
  options_.client.on_rollback =
      Text(options.Get("onRollback")) == "refuse" ? OnRollback::kRefuse : OnRollback::kRead;
  if (const std::string named = Text(options.Get("installation")); !named.empty()) {
    // JavaScript has checked the form; what is none is no store's installation.
    options_.client.installation = ParseUuid<InstallationId>(named).value_or(InstallationId{});
  }
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
                  return GiveList(client.List(id, after, limit));
                });
}

// (project, name, access, ...)
Napi::Value ClientObject::SubmitForSecret(const Napi::CallbackInfo& info, SecretTask task) {
  return Submit(info.Env(),
                [project = Text(info[0]), name = Text(info[1]), access = AccessOf(info[2]),
                 task = std::move(task)](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
                  return task(client, id, secret, access);
                });
}

Napi::Value ClientObject::Versions(const Napi::CallbackInfo& info) {
  return SubmitForSecret(
      info, [](Client& client, const ProjectId& project, const SecretName& name, const Access&) {
        return GiveList(client.Versions(project, name));
      });
}

// (…, version)
Napi::Value ClientObject::Rollback(const Napi::CallbackInfo& info) {
  return SubmitForSecret(
      info,
      [version = SecretVersion{info[3].As<Napi::Number>().Int64Value()}](
          Client& client, const ProjectId& project, const SecretName& name,
          const Access& access) -> Result<ToJs> {
        ROWSEAL_ASSIGN(StoredSecret stored, client.Rollback(project, name, version, access));
        return ToJs([stored](Napi::Env env) mutable { return StoredValue(env, stored); });
      });
}

// (…, newName)
Napi::Value ClientObject::Rename(const Napi::CallbackInfo& info) {
  return SubmitForSecret(
      info,
      [to = Text(info[3])](Client& client, const ProjectId& project, const SecretName& name,
                           const Access& access) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const SecretName new_name, SecretName::Parse(to));
        return Nothing(client.Rename(project, name, new_name, access));
      });
}

Napi::Value ClientObject::Remove(const Napi::CallbackInfo& info) {
  return SubmitForSecret(
      info, [](Client& client, const ProjectId& project, const SecretName& name,
               const Access& access) { return Nothing(client.Delete(project, name, access)); });
}

// (…, expiresAt)
Napi::Value ClientObject::Expire(const Napi::CallbackInfo& info) {
  return SubmitForSecret(
      info, [at = OptionalTime(info[3])](Client& client, const ProjectId& project,
                                         const SecretName& name, const Access& access) {
        return Nothing(client.Expire(project, name, {}, at, access));
      });
}

Napi::Value ClientObject::AddColumn(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [label = Text(info[0]), context = Text(info[1]),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ColumnLabel column, ColumnLabel::Parse(label));
                  ROWSEAL_ASSIGN(const ContextKind kind, ParseContextKind(context));
                  return Nothing(client.AddColumn(column, kind, access));
                });
}

Napi::Value ClientObject::RemoveColumn(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [label = Text(info[0]), access = AccessOf(info[1])](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const ColumnLabel column, ColumnLabel::Parse(label));
        return Nothing(client.RemoveColumn(column, access));
      });
}

Napi::Value ClientObject::Columns(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) { return GiveList(client.Columns()); });
}

Napi::Value ClientObject::AuditLog(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]),
                 limit = info[1].As<Napi::Number>().Int64Value()](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  return GiveList(client.AuditLog(id, limit));
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
      [access = AccessOf(info[0]), options = JobsOf(info[1].As<Napi::Number>().DoubleValue())](
          Client& client) { return Give(rowseal::Maintain(client, options, access)); });
}

Napi::Value ClientObject::Metrics(const Napi::CallbackInfo& info) {
  return MetricsValue(info.Env(), *observer_);
}

}  // namespace rowseal::node
