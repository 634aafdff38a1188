#include "client_object.h"

#include "arguments.h"
#include "results.h"
#include "values.h"

namespace rowseal::node {
namespace {

// Beyond either, a call's own work goes to the thread pool: sealing takes a microsecond an item,
// and some a megabyte, but what is read and made beside it several times that.
constexpr std::size_t kMostItems = 64;
constexpr std::size_t kMostValueBytes = 128U * 1024;

bool IsHeavy(std::size_t items, std::size_t bytes) {
  return items > kMostItems || bytes > kMostValueBytes;
}

Within WithinOf(const Napi::Value& joins) {
  return joins.ToBoolean() ? Within::kAppTransaction : Within::kOwnTransaction;
}

}  // namespace

template <class Outcome>
Napi::Value ClientObject::MakeCall(Napi::Env env, typename HotCallOf<Outcome>::BeginCall begin,
                                   typename HotCallOf<Outcome>::MakeValue make_value, Within within,
                                   bool is_heavy) {
  if (!client_) {
    return env.Null();
  }
  return CallObject::Make(
      env, {client_, std::make_unique<HotCallOf<Outcome>>(std::move(begin), make_value), within,
            is_heavy});
}

// (project, names, versions, access, joins)
Napi::Value ClientObject::StartGet(const Napi::CallbackInfo& info) {
  const Within within = WithinOf(info[4]);
  SecretNames names = SecretNames::Of(info[1], info[2]);
  const std::size_t items = names.names.size();
  auto begin = [project = Text(info[0]), names = std::move(names), access = AccessOf(info[3]),
                within](Client& client) -> Result<StartedCall<Client::Secrets>> {
    ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
    ROWSEAL_ASSIGN(std::vector<SecretRef> refs, names.Refs());
    return client.StartGet(id, std::move(refs), access, within);
  };
  return MakeCall<Client::Secrets>(info.Env(), std::move(begin), SecretValue, within,
                                   IsHeavy(items, 0));
}

// (project, fields, packed, allOrNone, access, joins)
Napi::Value ClientObject::StartPut(const Napi::CallbackInfo& info) {
  const Within within = WithinOf(info[5]);
  const auto values = PackedValues::Of(info[2]);
  const Batch batch = info[3].ToBoolean() ? Batch::kAllOrNone : Batch::kEachAlone;
  PutFields given = PutFields::Of(info[1]);
  CheckSameCount(info.Env(), given.names.size(), values->count());
  auto begin = [project = Text(info[0]), fields = std::move(given), values, batch,
                access = AccessOf(info[4]),
                within](Client& client) -> Result<StartedCall<Client::Stored>> {
    ROWSEAL_ASSIGN(std::vector<SecretBytes> secrets, values->Unpack());
    ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
    ROWSEAL_ASSIGN(std::vector<OwnedPutItem> items, fields.Join(std::move(secrets)));
    return client.StartPut(id, std::move(items), batch, access, within);
  };
  return MakeCall<Client::Stored>(info.Env(), std::move(begin), StoredValue, within,
                                  IsHeavy(values->count(), values->size()));
}

// (project, label, packed, rowKeys, access, joins)
Napi::Value ClientObject::StartSealValues(const Napi::CallbackInfo& info) {
  const auto values = PackedValues::Of(info[2]);
  std::vector<std::vector<std::string>> keys = RowKeysOf(info[3]);
  CheckSameCount(info.Env(), keys.size(), values->count());
  auto begin =
      [project = Text(info[0]), label = Text(info[1]), values, rows = std::move(keys),
       access = AccessOf(info[4])](Client& client) -> Result<StartedCall<Client::SealedValues>> {
    ROWSEAL_ASSIGN(std::vector<SecretBytes> secrets, values->Unpack());
    ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
    ROWSEAL_ASSIGN(const ColumnLabel column, ColumnLabel::Parse(label));
    std::vector<ValueToSeal> items;
    items.reserve(secrets.size());
    for (std::size_t i = 0; i < secrets.size(); ++i) {
      items.push_back({std::move(secrets[i]), rows[i]});
    }
    return client.StartSealValues(id, column, std::move(items), access);
  };
  return MakeCall<Client::SealedValues>(info.Env(), std::move(begin), StringValue,
                                        WithinOf(info[5]),
                                        IsHeavy(values->count(), values->size()));
}

// (project, label, texts, rowKeys, access, joins)
Napi::Value ClientObject::StartOpenValues(const Napi::CallbackInfo& info) {
  std::vector<ValueToOpen> values;
  std::size_t bytes = 0;
  std::vector<std::string> texts = Texts(info[2]);
  std::vector<std::vector<std::string>> rows = RowKeysOf(info[3]);
  CheckSameCount(info.Env(), texts.size(), rows.size());
  values.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    bytes += texts[i].size();
    values.push_back({std::move(texts[i]), std::move(rows[i])});
  }
  const bool is_heavy = IsHeavy(values.size(), bytes);
  auto begin =
      [project = Text(info[0]), label = Text(info[1]), values = std::move(values),
       access = AccessOf(info[4])](Client& client) -> Result<StartedCall<Client::OpenedValues>> {
    ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
    ROWSEAL_ASSIGN(const ColumnLabel column, ColumnLabel::Parse(label));
    return client.StartOpenValues(id, column, values, access);
  };
  return MakeCall<Client::OpenedValues>(info.Env(), std::move(begin), BufferValue,
                                        WithinOf(info[5]), is_heavy);
}

// (project, name, scheme, packedBody, signatures, overlapSeconds, access)
Napi::Value ClientObject::StartVerify(const Napi::CallbackInfo& info) {
  const auto body = PackedValues::Of(info[3]);
  const std::chrono::seconds overlap(info[5].As<Napi::Number>().Int64Value());
  auto begin = [project = Text(info[0]), name = Text(info[1]), scheme = SchemeOf(info[2]), body,
                signatures = Texts(info[4]), overlap,
                access = AccessOf(info[6])](Client& client) -> Result<StartedCall<WebhookVerdict>> {
    ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
    ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
    ROWSEAL_ASSIGN(SecretBytes bytes, body->UnpackOnly());
    return StartVerifyWebhook(client, id, secret, scheme, std::move(bytes), signatures, overlap,
                              access);
  };
  return MakeCall<WebhookVerdict>(info.Env(), std::move(begin), VerdictValue,
                                  Within::kOwnTransaction, IsHeavy(1, body->size()));
}

// (project, name, scheme, packedBody, access)
Napi::Value ClientObject::StartSign(const Napi::CallbackInfo& info) {
  const auto body = PackedValues::Of(info[3]);
  auto begin = [project = Text(info[0]), name = Text(info[1]), scheme = SchemeOf(info[2]), body,
                access = AccessOf(info[4])](Client& client) -> Result<StartedCall<std::string>> {
    ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
    ROWSEAL_ASSIGN(const SecretName secret, SecretName::Parse(name));
    ROWSEAL_ASSIGN(SecretBytes bytes, body->UnpackOnly());
    return StartSignWebhook(client, id, secret, scheme, std::move(bytes), access);
  };
  return MakeCall<std::string>(info.Env(), std::move(begin), StringValue, Within::kOwnTransaction,
                               IsHeavy(1, body->size()));
}

}  // namespace rowseal::node
