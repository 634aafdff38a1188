#pragma once

#include <optional>
#include <string>
#include <vector>

#include <napi.h>

#include <rowseal/rowseal.h>

namespace rowseal::node {

/// Values between JavaScript and Rowseal. The JavaScript side has checked types already; what does
/// not fit here is a bug there, and throws.

/// ErrorValue makes the object `{code, message, hint}` that the JavaScript side throws as an error.
Napi::Object ErrorValue(Napi::Env env, const Error& error);

/// OutcomeValue makes `{value}` or `{error}`, one item of a batch.
Napi::Object OutcomeValue(Napi::Env env, Napi::Value value);
Napi::Object OutcomeValue(Napi::Env env, const Error& error);

std::string Text(const Napi::Value& value);
std::vector<std::string> Texts(const Napi::Value& value);
std::optional<Timestamp> OptionalTime(const Napi::Value& milliseconds);
Access AccessOf(const Napi::Value& value);
Result<SecretBytes> SecretOf(const Napi::Value& buffer);

Napi::Value TimeValue(Napi::Env env, const std::optional<Timestamp>& time);
/// BufferValue copies a value out to memory of JavaScript's own, which nobody can wipe.
Napi::Value BufferValue(Napi::Env env, const SecretBytes& value);

/// CallValue makes `{text, values, changes}`, a query as `pg` takes it.
Napi::Object CallValue(Napi::Env env, const Statement& statement, Within within);

/// ReadAnswer takes what `pg` answered: `{types, rows, changed}`.
Result<Rows> ReadAnswer(const Statement& statement, const Napi::Object& answer);

}  // namespace rowseal::node
