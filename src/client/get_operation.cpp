#include "client/get_operation.h"

#include "base/encoding.h"
#include "client/random_ids.h"
#include "client/sealing.h"
#include "envelope/contexts.h"

namespace rowseal {

GetOperation::GetOperation(Session& session, const ProjectId& project,
                           std::vector<SecretRef> secrets, Access access, std::string_view action)
    : session_(session),
      project_(project),
      secrets_(std::move(secrets)),
      access_(std::move(access)),
      action_(action),
      began_(session.seen().Now()) {}

void GetOperation::FinishWith(Error error) {
  failure_ = std::move(error);
  step_ = Step::kDone;
}

std::optional<Statement> GetOperation::Next() {
  if (step_ == Step::kDone) {
    return std::nullopt;
  }
  if (step_ == Step::kReloadTrust) {
    floor_ = session_.Floor();
    return Statement::Call(Procedure::kTrustLoad);
  }
  const Timestamp now = session_.Now();
  const Result<std::array<std::uint8_t, 16>> entry = TimeOrderedUuid(now);
  if (!entry) {
    FinishWith(entry.error());
    return std::nullopt;
  }
  const std::int64_t at = now.time_since_epoch().count();
  if (step_ == Step::kLogRefusals) {
    return Statement::Call(Procedure::kAuditAppend,
                           {project_.text(), UuidText(*entry), at, access_.actor, access_.reason,
                            action_, refusal_outcome_, refused_objects_});
  }
  std::vector<std::string> names;
  std::vector<std::int64_t> versions;
  for (const SecretRef& secret : secrets_) {
    names.push_back(secret.name.text());
    versions.push_back(secret.version ? secret.version->value : 0);
  }
  return Statement::Call(Procedure::kSecretGet,
                         {project_.text(), std::move(names), std::move(versions), UuidText(*entry),
                          at, access_.actor, access_.reason, action_});
}

void GetOperation::Feed(Result<Rows> outcome) {
  if (!outcome) {
    session_.observer().Count(Counter::kStoreErrors);
    FinishWith(std::move(outcome).error());
    return;
  }
  switch (step_) {
    case Step::kFetch:
      FeedRows(std::move(*outcome));
      return;
    case Step::kReloadTrust: {
      Result<void> adopted = session_.AdoptTrust(std::move(*outcome), floor_);
      trust_was_reloaded_ = true;
      if (!adopted) {
        RefuseAll(std::move(adopted).error());
        return;
      }
      OpenAll();
      return;
    }
    case Step::kLogRefusals:
    case Step::kDone:
      step_ = Step::kDone;
      return;
  }
}

std::string GetOperation::ObjectOf(const Fetched& fetched) {
  return ToText(fetched.head.id) + "@" + ToText(fetched.version);
}

// The trusted set itself was refused: nothing was released, although the first entry grants it.
void GetOperation::RefuseAll(Error error) {
  refused_objects_.clear();
  for (const Result<Fetched>& fetched : fetched_) {
    if (fetched) {
      refused_objects_ += (refused_objects_.empty() ? "" : " ") + ObjectOf(*fetched);
    }
  }
  refusal_outcome_ = ErrorName(error.code);
  session_.ReportRefusedOpen(project_, refused_objects_, error);
  failure_ = std::move(error);
  step_ = Step::kLogRefusals;
}

void GetOperation::FeedRows(Rows answer) {
  if (answer.rows.size() != secrets_.size()) {
    FinishWith({ErrorCode::kInternal, "the store answered with another number of rows", {}});
    return;
  }
  for (std::size_t item = 0; item < secrets_.size(); ++item) {
    fetched_.push_back(ReadItem(secrets_[item], answer.rows[item]));
  }
  OpenAll();
}

void GetOperation::OpenAll() {
  opened_.clear();
  refused_objects_.clear();
  trust_is_stale_ = false;
  for (std::size_t item = 0; item < secrets_.size(); ++item) {
    opened_.push_back(OpenItem(item));
    if (trust_is_stale_) {
      step_ = Step::kReloadTrust;
      return;
    }
  }
  step_ = refused_objects_.empty() ? Step::kDone : Step::kLogRefusals;
}

Result<GetOperation::Fetched> GetOperation::ReadItem(const SecretRef& secret, Row& row) const {
  RowReader reader(row);
  const auto not_found = [&](std::string what) {
    return Fail(ErrorCode::kNotFound, std::move(what) + " in project '" + project_.text() + "'",
                "rowseal secret list shows what is there");
  };
  if (reader.NextIsNull()) {
    return not_found("there is no secret '" + secret.name.text() + "'");
  }
  Fetched fetched{{}, {}, {}, {}, {}, {}, {DekRecord{.project = project_}, {}, {}}};
  Result<SecretId> id = ParseUuid<SecretId>(reader.Text());
  Result<SecretKind> kind = ParseSecretKind(reader.Text());
  fetched.head.next_version.value = reader.Integer();
  if (!id || !kind) {
    return Fail(ErrorCode::kIntegrity, "the row of secret '" + secret.name.text() + "' was changed",
                "restore it from a backup");
  }
  fetched.head.id = *id;
  fetched.head.kind = *kind;
  if (reader.NextIsNull()) {
    if (!secret.version) {
      return Fail(ErrorCode::kIntegrity, "secret '" + secret.name.text() + "' has no version",
                  "restore its rows of secret_version from a backup");
    }
    return not_found("there is no version " + ToText(*secret.version) + " of secret '" +
                     secret.name.text() + "'");
  }
  fetched.version.value = reader.Integer();
  if (reader.NextIsNull()) {
    reader.Skip();
  } else {
    fetched.expires_at = reader.Time();
  }
  fetched.created_at = reader.Time();
  fetched.nonce = reader.Blob();
  fetched.encrypted_data = reader.Blob();
  if (reader.NextIsNull()) {
    return Fail(ErrorCode::kIntegrity, "the DEK of secret '" + secret.name.text() + "' is gone",
                "restore the table dek from a backup");
  }
  ROWSEAL_ASSIGN(fetched.dek, ReadDek(project_, reader));
  return fetched;
}

Result<Secret> GetOperation::OpenItem(std::size_t item) {
  const Result<Fetched>& fetched = fetched_[item];
  const std::string object = fetched ? ObjectOf(*fetched) : "";
  Result<Secret> secret = fetched ? OpenFetched(secrets_[item], *fetched)
                                  : Result<Secret>(tl::unexpected(fetched.error()));
  const bool refused = !secret && !trust_is_stale_ && secret.error().code != ErrorCode::kNotFound;
  if (refused) {
    refused_objects_ += (refused_objects_.empty() ? "" : " ") + (object.empty() ? "?" : object);
    refusal_outcome_ = ErrorName(secret.error().code);
    session_.ReportRefusedOpen(project_, object, secret.error());
  }
  return secret;
}

Result<Secret> GetOperation::OpenFetched(const SecretRef& secret, const Fetched& fetched) {
  if (!session_.KnowsKek(fetched.dek) && !trust_was_reloaded_) {
    trust_is_stale_ = true;
    return Fail(ErrorCode::kUnavailable, "keys changed during the read", "retry");
  }
  if (!session_.HadKek(fetched.dek)) {
    return Fail(ErrorCode::kIntegrity,
                "the KEK of DEK " + ToText(fetched.dek.dek.id) + " is not in the trusted set",
                "restore the tables kek and dek from a backup");
  }
  ROWSEAL_TRY(session_.CheckOpens(fetched.dek, OpenFor::kUse));
  const bool newest_is_missing =
      !secret.version && fetched.version.value + 1 != fetched.head.next_version.value;
  if (newest_is_missing) {
    return Fail(ErrorCode::kIntegrity,
                "the newest version of secret '" + secret.name.text() + "' is missing",
                "restore its rows of secret_version from a backup");
  }
  if (fetched.dek.dek.purpose != DekPurpose::kSecret) {
    return Fail(ErrorCode::kIntegrity, "secret '" + secret.name.text() + "' names DEK " +
                                           ToText(fetched.dek.dek.id) +
                                           ", which is not for secrets");
  }
  ROWSEAL_ASSIGN(const std::shared_ptr<const Dek> dek, session_.OpenDek(fetched.dek.dek, began_));
  ROWSEAL_TRY(session_.seen().CheckHead(project_, secret.name, fetched.head, began_));
  const FieldWriter context =
      WriteContext(SecretContext{session_.installation(), project_, fetched.head.id, secret.name,
                                 fetched.head.kind, fetched.version, fetched.expires_at});
  Result<SecretBytes> value =
      OpenPadded(dek->key, fetched.encrypted_data, fetched.nonce, context.bytes());
  if (!value) {
    Error error = std::move(value).error();
    if (error.code == ErrorCode::kIntegrity) {
      error.message = "version " + ToText(fetched.version) + " of secret '" + secret.name.text() +
                      "' (project '" + project_.text() + "') does not open: a stored byte is wrong";
      error.hint = "run `rowseal verify`; restore the row from a backup";
    }
    return tl::unexpected(std::move(error));
  }
  if (fetched.expires_at && *fetched.expires_at <= session_.Now()) {
    return Fail(ErrorCode::kRefusedByState,
                "version " + ToText(fetched.version) + " of secret '" + secret.name.text() +
                    "' has expired at " + ToRfc3339(*fetched.expires_at),
                "put a new version, or change the expiry with `rowseal secret expire`");
  }
  if (within_ == Within::kOwnTransaction) {  // another one's rows may still be rolled back
    session_.seen().Remember(project_, secret.name, fetched.head);
  }
  session_.observer().Count(Counter::kSecretsOpened);
  return Secret{fetched.head.id,    fetched.head.kind,  fetched.version,
                fetched.expires_at, fetched.created_at, std::move(*value)};
}

Result<std::vector<Result<Secret>>> GetOperation::Take() && {
  if (failure_) {
    return tl::unexpected(std::move(*failure_));
  }
  return std::move(opened_);
}

}  // namespace rowseal
