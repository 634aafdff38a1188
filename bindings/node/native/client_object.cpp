#include "client_object.h"

#include "values.h"

namespace rowseal::node {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

using ToJs = Worker::ToJs;

Error Closed() { return {ErrorCode::kInvalidArgument, "the client is closed", "connect again"}; }

ToJs Nothing() {
  return [](Napi::Env env) { return env.Undefined(); };
}

Napi::Value SecretValue(Napi::Env env, const Secret& secret) {
  Napi::Object value = Napi::Object::New(env);
  value["id"] = ToText(secret.id);
  value["kind"] = std::string(ToText(secret.kind));
  value["version"] = static_cast<double>(secret.version.value);
  value["expiresAt"] = TimeValue(env, secret.expires_at);
  value["createdAt"] = TimeValue(env, secret.created_at);
  value["value"] = BufferValue(env, secret.value);
  return value;
}

Napi::Value StoredValue(Napi::Env env, const StoredSecret& stored) {
  Napi::Object value = Napi::Object::New(env);
  value["id"] = ToText(stored.id);
  value["version"] = static_cast<double>(stored.version.value);
  return value;
}

template <class T>
Napi::Value ItemsValue(Napi::Env env, const std::vector<Result<T>>& items,
                       Napi::Value (*value_of)(Napi::Env, const T&)) {
  Napi::Array values = Napi::Array::New(env, items.size());
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    values.Set(i, items[i] ? OutcomeValue(env, value_of(env, *items[i]))
                           : OutcomeValue(env, items[i].error()));
  }
  return values;
}

// Makes the object of a call that was started, or the error that showed at its start.
template <class T, class Convert>
Napi::Value CallOf(Napi::Env env, std::shared_ptr<Client> client, Result<StartedCall<T>> started,
                   Within within, Convert convert) {
  if (!started) {
    return OutcomeValue(env, started.error());
  }
  auto call = std::make_unique<StartedCall<T>>(std::move(*started));
  StartedCall<T>* const raw = call.get();
  return OutcomeValue(env,
                      CallObject::Make(env, {std::move(client),
                                             std::move(call),
                                             [raw, convert]() -> Result<ToJs> {
                                               Result<T> taken = std::move(*raw).Take();
                                               if (!taken) {
                                                 return tl::unexpected(std::move(taken).error());
                                               }
                                               auto value = std::make_shared<T>(std::move(*taken));
                                               return ToJs([value, convert](Napi::Env to) {
                                                 return convert(to, *value);
                                               });
                                             },
                                             within,
                                             {}}));
}

Result<std::vector<SecretRef>> RefsOf(const Napi::Value& value) {
  std::vector<SecretRef> refs;
  const auto items = value.As<Napi::Array>();
  for (std::uint32_t i = 0; i < items.Length(); ++i) {
    const auto item = items.Get(i).As<Napi::Object>();
    ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(Text(item.Get("name"))));
    SecretRef ref{std::move(name), {}};
    if (item.Get("version").IsNumber()) {
      ref.version = SecretVersion{item.Get("version").As<Napi::Number>().Int64Value()};
    }
    refs.push_back(std::move(ref));
  }
  return refs;
}

Result<std::vector<OwnedPutItem>> PutsOf(const Napi::Value& value) {
  std::vector<OwnedPutItem> puts;
  const auto items = value.As<Napi::Array>();
  for (std::uint32_t i = 0; i < items.Length(); ++i) {
    const auto item = items.Get(i).As<Napi::Object>();
    ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(Text(item.Get("name"))));
    ROWSEAL_ASSIGN(SecretBytes secret, SecretOf(item.Get("value")));
    OwnedPutItem put{std::move(name), std::move(secret)};
    if (item.Get("kind").IsString()) {
      ROWSEAL_ASSIGN(put.kind, ParseSecretKind(Text(item.Get("kind"))));
    }
    put.expires_at = OptionalTime(item.Get("expiresAt"));
    put.rule =
        item.Get("createOnly").ToBoolean() ? PutRule::kCreateOnly : PutRule::kCreateOrAddVersion;
    puts.push_back(std::move(put));
  }
  return puts;
}

Within WithinOf(const Napi::Value& joins) {
  return joins.ToBoolean() ? Within::kAppTransaction : Within::kOwnTransaction;
}

Napi::Value SummaryValue(Napi::Env env, const SecretSummary& summary) {
  Napi::Object value = Napi::Object::New(env);
  value["name"] = summary.name.text();
  value["kind"] = std::string(ToText(summary.kind));
  value["id"] = ToText(summary.id);
  value["version"] = static_cast<double>(summary.newest.value);
  value["versions"] = static_cast<double>(summary.versions);
  value["expiresAt"] = TimeValue(env, summary.expires_at);
  value["createdAt"] = TimeValue(env, summary.created_at);
  value["updatedAt"] = TimeValue(env, summary.updated_at);
  return value;
}

Napi::Value VersionValue(Napi::Env env, const VersionSummary& version) {
  Napi::Object value = Napi::Object::New(env);
  value["version"] = static_cast<double>(version.version.value);
  value["expiresAt"] = TimeValue(env, version.expires_at);
  value["createdAt"] = TimeValue(env, version.created_at);
  value["createdBy"] = version.created_by;
  return value;
}

template <class T>
ToJs ListOf(std::vector<T> items, Napi::Value (*value_of)(Napi::Env, const T&)) {
  return [items = std::make_shared<std::vector<T>>(std::move(items)), value_of](Napi::Env env) {
    Napi::Array values = Napi::Array::New(env, items->size());
    for (std::uint32_t i = 0; i < items->size(); ++i) {
      values.Set(i, value_of(env, (*items)[i]));
    }
    return values;
  };
}

// The JavaScript side has checked the names.
WebhookScheme SchemeOf(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  const std::string hash = Text(object.Get("hash"));
  return {
      hash == "sha1"     ? WebhookHash::kSha1
      : hash == "sha512" ? WebhookHash::kSha512
                         : WebhookHash::kSha256,
      Text(object.Get("encoding")) == "base64" ? WebhookEncoding::kBase64 : WebhookEncoding::kHex,
      Text(object.Get("prefix"))};
}

Napi::Value VerdictValue(Napi::Env env, const WebhookVerdict& verdict) {
  Napi::Object value = Napi::Object::New(env);
  value["valid"] = verdict.valid;
  if (verdict.valid) {
    value["version"] = static_cast<double>(verdict.version.value);
  } else {
    value["reason"] = verdict.reason;
    value["hint"] = verdict.hint;
  }
  return value;
}

Napi::Value RotationValue(Napi::Env env, const RotationReport& report) {
  Napi::Object value = Napi::Object::New(env);
  value["oldKek"] = static_cast<double>(report.old_kek.value);
  value["newKek"] = static_cast<double>(report.new_kek.value);
  value["rewrapped"] = static_cast<double>(report.rewrapped);
  value["failures"] = static_cast<double>(report.failures.size());
  return value;
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

Napi::Function ClientObject::Define(Napi::Env env) {
  return DefineClass(env, "NativeClient",
                     {InstanceMethod<&ClientObject::Open>("open"),
                      InstanceMethod<&ClientObject::Close>("close"),
                      InstanceMethod<&ClientObject::Answer>("answer"),
                      InstanceMethod<&ClientObject::Refuse>("refuse"),
                      InstanceMethod<&ClientObject::RunCall>("runCall"),
                      InstanceMethod<&ClientObject::StartGet>("startGet"),
                      InstanceMethod<&ClientObject::StartPut>("startPut"),
                      InstanceMethod<&ClientObject::StartSeal>("startSeal"),
                      InstanceMethod<&ClientObject::StartOpen>("startOpen"),
                      InstanceMethod<&ClientObject::StartVerify>("startVerify"),
                      InstanceMethod<&ClientObject::StartSign>("startSign"),
                      InstanceMethod<&ClientObject::List>("list"),
                      InstanceMethod<&ClientObject::Versions>("versions"),
                      InstanceMethod<&ClientObject::Rollback>("rollback"),
                      InstanceMethod<&ClientObject::Rename>("rename"),
                      InstanceMethod<&ClientObject::Remove>("remove"),
                      InstanceMethod<&ClientObject::Expire>("expire"),
                      InstanceMethod<&ClientObject::AddColumn>("addColumn"),
                      InstanceMethod<&ClientObject::RotateKek>("rotateKek"),
                      InstanceMethod<&ClientObject::RotateDeks>("rotateDeks"),
                      InstanceMethod<&ClientObject::Maintain>("maintain"),
                      InstanceMethod<&ClientObject::KeyStatus>("keyStatus"),
                      InstanceMethod<&ClientObject::Metrics>("metrics")});
}

ClientObject::ClientObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ClientObject>(info) {
  const auto options = info[0].As<Napi::Object>();
  options_.store = Text(options.Get("store"));
  options_.roots = Texts(options.Get("roots"));
  options_.client.actor = Text(options.Get("actor"));
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
          auto connection = std::make_unique<NodeConnection>(*worker_);
          connection_ = connection.get();
          return OpenStoreOver(std::move(connection), options_);
        }();
        if (!client) {
          connection_ = nullptr;
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

void ClientObject::Answer(const Napi::CallbackInfo& info) {
  if (connection_ == nullptr) {
    return;
  }
  Result<Rows> rows = connection_->Read(info[0].As<Napi::Object>());
  worker_->Answer(rows ? Worker::Answered(std::move(*rows))
                       : tl::unexpected(ServerError{rows.error(), ServerFailure::kFinal}));
}

void ClientObject::Refuse(const Napi::CallbackInfo& info) {
  const auto code = static_cast<ErrorCode>(info[0].As<Napi::Number>().Uint32Value());
  const auto failure = static_cast<ServerFailure>(info[3].As<Napi::Number>().Uint32Value());
  worker_->Answer(tl::unexpected(ServerError{{code, Text(info[1]), Text(info[2])}, failure}));
}

Napi::Value ClientObject::RunCall(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  NativeCall* const call = &CallObject::Unwrap(object)->call();
  auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(object));
  kept->SuppressDestruct();
  Ref();
  return worker_->Submit(
      info.Env(),
      [call]() -> Result<ToJs> {
        call->client->Run(*call->operation);
        return Nothing();
      },
      [this, kept] {
        kept->Reset();
        Unref();
      });
}

Napi::Value ClientObject::StartGet(const Napi::CallbackInfo& info) {
  const Within within = WithinOf(info[3]);
  auto started = [&]() -> Result<StartedCall<Client::Secrets>> {
    if (!client_) {
      return tl::unexpected(Closed());
    }
    ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(Text(info[0])));
    ROWSEAL_ASSIGN(std::vector<SecretRef> refs, RefsOf(info[1]));
    return client_->StartGet(project, std::move(refs), AccessOf(info[2]), within);
  }();
  return CallOf(info.Env(), client_, std::move(started), within,
                [](Napi::Env env, const Client::Secrets& secrets) {
                  return ItemsValue<Secret>(env, secrets, SecretValue);
                });
}

Napi::Value ClientObject::StartPut(const Napi::CallbackInfo& info) {
  const Within within = WithinOf(info[4]);
  auto started = [&]() -> Result<StartedCall<Client::Stored>> {
    if (!client_) {
      return tl::unexpected(Closed());
    }
    ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(Text(info[0])));
    ROWSEAL_ASSIGN(std::vector<OwnedPutItem> items, PutsOf(info[1]));
    return client_->StartPut(project, std::move(items),
                             info[2].ToBoolean() ? Batch::kAllOrNone : Batch::kEachAlone,
                             AccessOf(info[3]), within);
  }();
  return CallOf(info.Env(), client_, std::move(started), within,
                [](Napi::Env env, const Client::Stored& stored) {
                  return ItemsValue<StoredSecret>(env, stored, StoredValue);
                });
}

Napi::Value ClientObject::StartSeal(const Napi::CallbackInfo& info) {
  auto started = [&]() -> Result<StartedCall<std::string>> {
    if (!client_) {
      return tl::unexpected(Closed());
    }
    ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(Text(info[0])));
    ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(Text(info[1])));
    ROWSEAL_ASSIGN(SecretBytes value, SecretOf(info[2]));
    return client_->StartSealValue(project, label, std::move(value), Texts(info[3]),
                                   AccessOf(info[4]));
  }();
  return CallOf(info.Env(), client_, std::move(started), WithinOf(info[5]),
                [](Napi::Env env, const std::string& sealed) -> Napi::Value {
                  return Napi::String::New(env, sealed);
                });
}

Napi::Value ClientObject::StartOpen(const Napi::CallbackInfo& info) {
  auto started = [&]() -> Result<StartedCall<SecretBytes>> {
    if (!client_) {
      return tl::unexpected(Closed());
    }
    ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(Text(info[0])));
    ROWSEAL_ASSIGN(const ColumnLabel label, ColumnLabel::Parse(Text(info[1])));
    return client_->StartOpenValue(project, label, Text(info[2]), Texts(info[3]),
                                   AccessOf(info[4]));
  }();
  return CallOf(info.Env(), client_, std::move(started), WithinOf(info[5]), BufferValue);
}

Napi::Value ClientObject::StartVerify(const Napi::CallbackInfo& info) {
  auto started = [&]() -> Result<StartedCall<WebhookVerdict>> {
    if (!client_) {
      return tl::unexpected(Closed());
    }
    ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(Text(info[0])));
    ROWSEAL_ASSIGN(const SecretName name, SecretName::Parse(Text(info[1])));
    ROWSEAL_ASSIGN(SecretBytes body, SecretOf(info[3]));
    const std::chrono::seconds overlap(info[5].As<Napi::Number>().Int64Value());
    return StartVerifyWebhook(*client_, project, name, SchemeOf(info[2]), std::move(body),
                              Texts(info[4]), overlap, AccessOf(info[6]));
  }();
  return CallOf(info.Env(), client_, std::move(started), Within::kOwnTransaction, VerdictValue);
}

Napi::Value ClientObject::StartSign(const Napi::CallbackInfo& info) {
  auto started = [&]() -> Result<StartedCall<std::string>> {
    if (!client_) {
      return tl::unexpected(Closed());
    }
    ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(Text(info[0])));
    ROWSEAL_ASSIGN(const SecretName name, SecretName::Parse(Text(info[1])));
    ROWSEAL_ASSIGN(SecretBytes body, SecretOf(info[3]));
    return StartSignWebhook(*client_, project, name, SchemeOf(info[2]), std::move(body),
                            AccessOf(info[4]));
  }();
  return CallOf(info.Env(), client_, std::move(started), Within::kOwnTransaction,
                [](Napi::Env env, const std::string& signature) -> Napi::Value {
                  return Napi::String::New(env, signature);
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
                  return ToJs([stored](Napi::Env env) { return StoredValue(env, stored); });
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

Napi::Value ClientObject::RotateKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [access = AccessOf(info[0])](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(const RotationReport report, rowseal::RotateKek(client, access));
    return ToJs([report](Napi::Env env) { return RotationValue(env, report); });
  });
}

Napi::Value ClientObject::RotateDeks(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [project = Text(info[0]), access = AccessOf(info[1])](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
        ROWSEAL_ASSIGN(const DekRotation rotation, rowseal::RotateDeks(client, id, access));
        RunJobsOptions run;
        run.jobs = rotation.jobs;
        ROWSEAL_ASSIGN(const JobsReport report, RunJobs(client, run, access));
        return ToJs([rotated = rotation.rotated, failed = report.failed](Napi::Env env) {
          Napi::Object value = Napi::Object::New(env);
          value["rotated"] = static_cast<double>(rotated);
          value["failed"] = static_cast<double>(failed);
          return value;
        });
      });
}

Napi::Value ClientObject::Maintain(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [access = AccessOf(info[0])](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(const MaintainReport report, rowseal::Maintain(client, {}, access));
    return ToJs([rotation = report.kek_rotation, jobs = report.jobs.jobs.size(),
                 failed = report.jobs.failed](Napi::Env env) {
      Napi::Object value = Napi::Object::New(env);
      value["kekRotation"] = rotation ? RotationValue(env, *rotation) : env.Null();
      value["jobs"] = static_cast<double>(jobs);
      value["failed"] = static_cast<double>(failed);
      return value;
    });
  });
}

Napi::Value ClientObject::KeyStatus(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(const StatusReport status, Status(client));
    return ToJs([status](Napi::Env env) {
      Napi::Object value = Napi::Object::New(env);
      value["installation"] = ToText(status.installation);
      value["activeKek"] = static_cast<double>(status.active_kek.value);
      value["activeKekCreatedAt"] = TimeValue(env, status.active_kek_created_at);
      value["keks"] = static_cast<double>(status.keks);
      value["deks"] = static_cast<double>(status.deks);
      value["secrets"] = static_cast<double>(status.secrets);
      value["versions"] = static_cast<double>(status.versions);
      return value;
    });
  });
}

Napi::Value ClientObject::Metrics(const Napi::CallbackInfo& info) {
  Napi::Object counters = Napi::Object::New(info.Env());
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    counters[std::string(ToText(counter))] = static_cast<double>(observer_->Value(counter));
  }
  Napi::Object timers = Napi::Object::New(info.Env());
  for (std::size_t i = 0; i < kTimerCount; ++i) {
    const auto timer = static_cast<Timer>(i);
    timers[std::string(ToText(timer))] = static_cast<double>(observer_->Observations(timer));
  }
  Napi::Object value = Napi::Object::New(info.Env());
  value["counters"] = counters;
  value["timers"] = timers;
  value["prometheus"] = observer_->PrometheusText();
  return value;
}

}  // namespace rowseal::node
