#pragma once

#include <memory>
#include <string>
#include <vector>

#include <napi.h>

#include <rowseal/rowseal.h>

#include "worker.h"

namespace rowseal::node {

/// What calls give, as JavaScript's values. Times are milliseconds or null; the JavaScript side
/// makes dates of them. What comes by thousands is an array instead of an object with names.

/// `[id, kind, version, expiresAt, createdAt, value]`
Napi::Value SecretValue(Napi::Env env, Secret& secret);
/// `[id, version]`
Napi::Value StoredValue(Napi::Env env, StoredSecret& stored);
/// BufferValue gives a value to JavaScript: a small one as a copy, which nobody can wipe; a large
/// one in its guarded memory, which is wiped when JavaScript's garbage is collected.
Napi::Value BufferValue(Napi::Env env, SecretBytes& value);
Napi::Value StringValue(Napi::Env env, std::string& text);
Napi::Value VerdictValue(Napi::Env env, WebhookVerdict& verdict);
Napi::Value SummaryValue(Napi::Env env, const SecretSummary& summary);
Napi::Value VersionValue(Napi::Env env, const VersionSummary& version);
Napi::Value ColumnValue(Napi::Env env, const ColumnSummary& column);
Napi::Value AuditEntryValue(Napi::Env env, const AuditEntry& entry);
Napi::Value RotationValue(Napi::Env env, const RotationReport& report);
Napi::Value JobsValue(Napi::Env env, const JobsReport& report);
Napi::Value StatusValue(Napi::Env env, const StatusReport& status);
Napi::Value MetricsValue(Napi::Env env, const Observer& observer);

/// ListOf makes `{count, items}`, where `items(from, to)` makes an array of some of them: all at
/// once could hold the event loop.
template <class T>
Worker::ToJs ListOf(std::vector<T> list, Napi::Value (*value_of)(Napi::Env, const T&)) {
  return [list = std::make_shared<std::vector<T>>(std::move(list)), value_of](Napi::Env env) {
    Napi::Object value = Napi::Object::New(env);
    value["count"] = static_cast<double>(list->size());
    value["items"] = Napi::Function::New(env, [list, value_of](const Napi::CallbackInfo& info) {
      const auto from = info[0].As<Napi::Number>().Uint32Value();
      const auto to = info[1].As<Napi::Number>().Uint32Value();
      Napi::Array values = Napi::Array::New(info.Env(), to - from);
      for (std::uint32_t i = from; i < to; ++i) {
        values.Set(i - from, value_of(info.Env(), (*list)[i]));
      }
      return values;
    });
    return value;
  };
}

}  // namespace rowseal::node
