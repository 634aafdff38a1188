#include "arguments.h"

#include <cstring>

#include "values.h"

namespace rowseal::node {

std::shared_ptr<PackedValues> PackedValues::Of(const Napi::Value& packed) {
  const auto object = packed.As<Napi::Object>();
  auto bytes = object.Get("bytes").As<Napi::Uint8Array>();
  const auto ends = object.Get("ends").As<Napi::Array>();
  auto values = std::make_shared<PackedValues>();
  values->data_ = bytes.Data();
  values->size_ = bytes.ByteLength();
  values->kept_ = Napi::Persistent(bytes);
  values->ends_.reserve(ends.Length());
  std::size_t last = 0;
  for (std::uint32_t i = 0; i < ends.Length(); ++i) {
    // Many values together may have more than 4 GiB.
    const auto end = static_cast<std::size_t>(ends.Get(i).As<Napi::Number>().Int64Value());
    if (end < last || end > values->size_) {
      throw Napi::RangeError::New(packed.Env(), "rowseal: a packed value ends outside its memory");
    }
    values->ends_.push_back(last = end);
  }
  return values;
}

void PackedValues::Wipe() noexcept {
  if (size_ > 0) {
    explicit_bzero(data_, size_);  // an empty buffer of JavaScript's has no address
  }
}

Result<std::vector<SecretBytes>> PackedValues::Unpack() {
  std::vector<SecretBytes> values;
  values.reserve(ends_.size());
  std::size_t from = 0;
  for (const std::size_t end : ends_) {
    ROWSEAL_ASSIGN(SecretBytes value, SecretBytes::CopyOf({data_ + from, end - from}));
    values.push_back(std::move(value));
    from = end;
  }
  Wipe();
  return values;
}

Result<SecretBytes> PackedValues::UnpackOnly() {
  ROWSEAL_ASSIGN(std::vector<SecretBytes> values, Unpack());
  if (values.size() != 1) {
    return Fail(ErrorCode::kInternal, "a call for one value was given several, or none");
  }
  return std::move(values.front());
}

PutFields PutFields::Of(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  PutFields fields;
  fields.names = Texts(object.Get("names"));
  fields.kinds = Texts(object.Get("kinds"));
  const auto expires = object.Get("expires").As<Napi::Array>();
  const auto create_only = object.Get("createOnly").As<Napi::Array>();
  for (std::uint32_t i = 0; i < expires.Length(); ++i) {
    fields.expires.push_back(OptionalTime(expires.Get(i)));
    fields.create_only.push_back(create_only.Get(i).ToBoolean());
  }
  CheckSameCount(value.Env(), fields.names.size(), fields.kinds.size());
  CheckSameCount(value.Env(), fields.names.size(), fields.expires.size());
  return fields;
}

Result<std::vector<OwnedPutItem>> PutFields::Join(std::vector<SecretBytes> values) const {
  std::vector<OwnedPutItem> items;
  items.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(names[i]));
    OwnedPutItem item{std::move(name), std::move(values[i])};
    if (!kinds[i].empty()) {
      ROWSEAL_ASSIGN(item.kind, ParseSecretKind(kinds[i]));
    }
    item.expires_at = expires[i];
    item.rule = create_only[i] ? PutRule::kCreateOnly : PutRule::kCreateOrAddVersion;
    items.push_back(std::move(item));
  }
  return items;
}

SecretNames SecretNames::Of(const Napi::Value& names, const Napi::Value& versions) {
  SecretNames given{Texts(names), {}};
  const auto array = versions.As<Napi::Array>();
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    given.versions.push_back(OptionalInteger(array.Get(i)));
  }
  CheckSameCount(names.Env(), given.names.size(), given.versions.size());
  return given;
}

Result<std::vector<SecretRef>> SecretNames::Refs() const {
  std::vector<SecretRef> refs;
  refs.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    ROWSEAL_ASSIGN(SecretName name, SecretName::Parse(names[i]));
    SecretRef ref{std::move(name), {}};
    if (versions[i]) {
      ref.version = SecretVersion{*versions[i]};
    }
    refs.push_back(std::move(ref));
  }
  return refs;
}

std::vector<std::vector<std::string>> RowKeysOf(const Napi::Value& value) {
  std::vector<std::vector<std::string>> keys;
  const auto array = value.As<Napi::Array>();
  keys.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    keys.push_back(Texts(array.Get(i)));
  }
  return keys;
}

void CheckSameCount(Napi::Env env, std::size_t one, std::size_t other) {
  if (one != other) {
    throw Napi::RangeError::New(env, "rowseal: the lists of a call differ in length");
  }
}

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

}  // namespace rowseal::node
