#include "values.h"

namespace rowseal::node {
namespace {

using std::chrono::microseconds;

Napi::Value ParamValue(Napi::Env env, std::variant<Null, std::string, Bytes>& param) {
  if (const auto* text = std::get_if<std::string>(&param)) {
    return Napi::String::New(env, *text);
  }
  if (const auto* bytes = std::get_if<Bytes>(&param)) {
    return Napi::Buffer<std::uint8_t>::Copy(env, bytes->data(), bytes->size());
  }
  return env.Null();
}

}  // namespace

Napi::Object ErrorValue(Napi::Env env, const Error& error) {
  Napi::Object value = Napi::Object::New(env);
  value["code"] = std::string(ErrorName(error.code));
  value["message"] = error.message;
  value["hint"] = error.hint;
  return value;
}

Napi::Object OutcomeValue(Napi::Env env, Napi::Value value) {
  Napi::Object outcome = Napi::Object::New(env);
  outcome["value"] = value;
  return outcome;
}

Napi::Object OutcomeValue(Napi::Env env, const Error& error) {
  Napi::Object outcome = Napi::Object::New(env);
  outcome["error"] = ErrorValue(env, error);
  return outcome;
}

std::string Text(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

std::vector<std::string> Texts(const Napi::Value& value) {
  std::vector<std::string> texts;
  const auto array = value.As<Napi::Array>();
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    texts.push_back(Text(array.Get(i)));
  }
  return texts;
}

std::optional<Timestamp> OptionalTime(const Napi::Value& milliseconds) {
  if (!milliseconds.IsNumber()) {
    return std::nullopt;
  }
  return Timestamp(microseconds(milliseconds.As<Napi::Number>().Int64Value() * 1000));
}

Access AccessOf(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  return {Text(object.Get("actor")), Text(object.Get("reason"))};
}

Result<SecretBytes> SecretOf(const Napi::Value& buffer) {
  const auto bytes = buffer.As<Napi::Uint8Array>();
  if (bytes.ByteLength() > kMaxSecretSize) {
    return Fail(ErrorCode::kInvalidArgument, "the value has more than 16 MiB",
                "keep large data elsewhere and seal its key");
  }
  return SecretBytes::CopyOf({bytes.Data(), bytes.ByteLength()});
}

Napi::Value TimeValue(Napi::Env env, const std::optional<Timestamp>& time) {
  if (!time) {
    return env.Null();
  }
  return Napi::Date::New(env, static_cast<double>(time->time_since_epoch().count()) / 1000);
}

Napi::Value BufferValue(Napi::Env env, const SecretBytes& value) {
  return Napi::Buffer<std::uint8_t>::Copy(env, value.Reveal().data(), value.size());
}

Napi::Object CallValue(Napi::Env env, const Statement& statement, Within within) {
  PostgresCall call = ToPostgresCall(statement, within);
  Napi::Array values = Napi::Array::New(env, call.params.size());
  for (std::uint32_t i = 0; i < call.params.size(); ++i) {
    values.Set(i, ParamValue(env, call.params[i]));
  }
  Napi::Object object = Napi::Object::New(env);
  object["text"] = call.text;
  object["values"] = values;
  object["changes"] = MayChangeRows(statement);
  return object;
}

Result<Rows> ReadAnswer(const Statement& statement, const Napi::Object& answer) {
  std::vector<std::uint32_t> types;
  const auto given_types = answer.Get("types").As<Napi::Array>();
  for (std::uint32_t i = 0; i < given_types.Length(); ++i) {
    types.push_back(given_types.Get(i).As<Napi::Number>().Uint32Value());
  }
  std::vector<PostgresCells> cells;
  const auto rows = answer.Get("rows").As<Napi::Array>();
  for (std::uint32_t i = 0; i < rows.Length(); ++i) {
    const auto row = rows.Get(i).As<Napi::Array>();
    PostgresCells& read = cells.emplace_back();
    for (std::uint32_t column = 0; column < row.Length(); ++column) {
      const Napi::Value cell = row.Get(column);
      read.push_back(cell.IsString() ? std::optional(Text(cell)) : std::nullopt);
    }
  }
  const std::int64_t changed = answer.Get("changed").As<Napi::Number>().Int64Value();
  return ReadPostgresRows(statement, types, std::move(cells), changed);
}

}  // namespace rowseal::node
