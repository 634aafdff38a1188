#include "results.h"

#include "values.h"

namespace rowseal::node {
namespace {

// Beyond this a value's own memory is handed over: a copy would take a while.
constexpr std::size_t kLargestCopy = 64U * 1024;

Napi::Value NumberValue(Napi::Env env, std::int64_t number) {
  return Napi::Number::New(env, static_cast<double>(number));
}

}  // namespace

Napi::Value SecretValue(Napi::Env env, Secret& secret) {
  Napi::Array value = Napi::Array::New(env, 6);
  value[0U] = ToText(secret.id);
  value[1U] = std::string(ToText(secret.kind));
  value[2U] = NumberValue(env, secret.version.value);
  value[3U] = MillisecondsValue(env, secret.expires_at);
  value[4U] = MillisecondsValue(env, secret.created_at);
  value[5U] = BufferValue(env, secret.value);
  return value;
}

Napi::Value StoredValue(Napi::Env env, StoredSecret& stored) {
  Napi::Array value = Napi::Array::New(env, 2);
  value[0U] = ToText(stored.id);
  value[1U] = NumberValue(env, stored.version.value);
  return value;
}

Napi::Value BufferValue(Napi::Env env, SecretBytes& value) {
  if (value.size() <= kLargestCopy) {
    return Napi::Buffer<std::uint8_t>::Copy(env, value.Reveal().data(), value.size());
  }
  auto* const kept = new SecretBytes(std::move(value));
  // The memory is this object's alone from here on, so that JavaScript may write to it.
  auto* const data = const_cast<std::uint8_t*>(kept->Reveal().data());
  return Napi::Buffer<std::uint8_t>::NewOrCopy(env, data, kept->size(),
                                               [kept](Napi::Env, std::uint8_t*) { delete kept; });
}

Napi::Value StringValue(Napi::Env env, std::string& text) { return Napi::String::New(env, text); }

Napi::Value VerdictValue(Napi::Env env, WebhookVerdict& verdict) {
  Napi::Object value = Napi::Object::New(env);
  value["valid"] = verdict.valid;
  if (verdict.valid) {
    value["version"] = NumberValue(env, verdict.version.value);
  } else {
    value["reason"] = verdict.reason;
    value["hint"] = verdict.hint;
  }
  return value;
}

Napi::Value SummaryValue(Napi::Env env, const SecretSummary& summary) {
  Napi::Object value = Napi::Object::New(env);
  value["name"] = summary.name.text();
  value["kind"] = std::string(ToText(summary.kind));
  value["id"] = ToText(summary.id);
  value["version"] = NumberValue(env, summary.newest.value);
  value["versions"] = NumberValue(env, summary.versions);
  value["expiresAt"] = MillisecondsValue(env, summary.expires_at);
  value["createdAt"] = MillisecondsValue(env, summary.created_at);
  value["updatedAt"] = MillisecondsValue(env, summary.updated_at);
  return value;
}

Napi::Value VersionValue(Napi::Env env, const VersionSummary& version) {
  Napi::Object value = Napi::Object::New(env);
  value["version"] = NumberValue(env, version.version.value);
  value["expiresAt"] = MillisecondsValue(env, version.expires_at);
  value["createdAt"] = MillisecondsValue(env, version.created_at);
  value["createdBy"] = version.created_by;
  return value;
}

Napi::Value ColumnValue(Napi::Env env, const ColumnSummary& column) {
  Napi::Object value = Napi::Object::New(env);
  value["label"] = column.label.text();
  value["context"] = std::string(ToText(column.context));
  value["active"] = column.active;
  value["table"] =
      column.source ? Napi::String::New(env, column.source->table).As<Napi::Value>() : env.Null();
  value["column"] =
      column.source ? Napi::String::New(env, column.source->column).As<Napi::Value>() : env.Null();
  value["createdAt"] = MillisecondsValue(env, column.created_at);
  return value;
}

Napi::Value AuditEntryValue(Napi::Env env, const AuditEntry& entry) {
  Napi::Object value = Napi::Object::New(env);
  value["id"] = entry.id;
  value["at"] = MillisecondsValue(env, entry.at);
  value["actor"] = entry.actor;
  value["reason"] = entry.reason;
  value["action"] = entry.action;
  value["outcome"] = entry.outcome;
  value["object"] = entry.object;
  return value;
}

Napi::Value RotationValue(Napi::Env env, const RotationReport& report) {
  Napi::Object value = Napi::Object::New(env);
  value["oldKek"] = NumberValue(env, report.old_kek.value);
  value["newKek"] = NumberValue(env, report.new_kek.value);
  value["rewrapped"] = NumberValue(env, report.rewrapped);
  value["failures"] = static_cast<double>(report.failures.size());
  return value;
}

Napi::Value JobsValue(Napi::Env env, const JobsReport& report) {
  Napi::Object value = Napi::Object::New(env);
  value["jobs"] = static_cast<double>(report.jobs.size());
  value["failed"] = NumberValue(env, report.failed);
  value["stopped"] = report.stopped;
  return value;
}

Napi::Value StatusValue(Napi::Env env, const StatusReport& status) {
  Napi::Object value = Napi::Object::New(env);
  value["installation"] = ToText(status.installation);
  value["activeKek"] = NumberValue(env, status.active_kek.value);
  value["activeKekCreatedAt"] = MillisecondsValue(env, status.active_kek_created_at);
  value["keks"] = NumberValue(env, status.keks);
  value["deks"] = NumberValue(env, status.deks);
  value["projects"] = NumberValue(env, status.projects);
  value["secrets"] = NumberValue(env, status.secrets);
  value["versions"] = NumberValue(env, status.versions);
  value["rolledBack"] = status.rolled_back;
  return value;
}

Napi::Value MetricsValue(Napi::Env env, const Observer& observer) {
  Napi::Object counters = Napi::Object::New(env);
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    const auto counter = static_cast<Counter>(i);
    counters[std::string(ToText(counter))] = static_cast<double>(observer.Value(counter));
  }
  Napi::Object timers = Napi::Object::New(env);
  for (std::size_t i = 0; i < kTimerCount; ++i) {
    const auto timer = static_cast<Timer>(i);
    timers[std::string(ToText(timer))] = static_cast<double>(observer.Observations(timer));
  }
  Napi::Object value = Napi::Object::New(env);
  value["counters"] = counters;
  value["timers"] = timers;
  value["prometheus"] = observer.PrometheusText();
  return value;
}

}  // namespace rowseal::node
