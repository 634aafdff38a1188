#include "client/get_operation.h"

#include "base/encoding.h"
#include "client/audit.h"
#include "client/last_writes.h"
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

Result<void> CheckVersion(std::optional<SecretVersion> version) {
  if (version && version->value < 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "a secret has no version " + ToText(*version) + ": they count from 1",
                "leave the version out for the newest");
  }
  return {};
}

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
    return AskTrust();
  }
  for (const SecretRef& secret : secrets_) {
    if (Result<void> checked = CheckVersion(secret.version); !checked) {
      FinishWith(std::move(checked).error());
      return std::nullopt;
    }
  }
  Result<LogEntry> entry = MakeLogEntry(session_, access_, action_);
  if (!entry) {
    FinishWith(std::move(entry).error());
    return std::nullopt;
  }
  if (step_ == Step::kLogRefusals) {
    return Encode(std::make_shared<const AuditAppend::Request>(AuditAppend::Request{
        project_.text(), std::move(*entry), refusal_outcome_, refused_objects_}));
  }
  SecretGet::Request asked{project_, {}, std::move(*entry)};
  asked.items.reserve(secrets_.size());
  for (const SecretRef& secret : secrets_) {
    asked.items.push_back({secret.name, secret.version ? secret.version->value : 0});
  }
  asked_ = std::make_shared<const SecretGet::Request>(std::move(asked));
  return Encode(asked_);
}

void GetOperation::Feed(Result<Rows> outcome) {
  if (!outcome) {
    session_.observer().Count(Counter::kStoreErrors);
    if (step_ == Step::kLogRefusals && outcome.error().code == ErrorCode::kInvalidArgument) {
      step_ = Step::kDone;  // it disowns what its own answer named: that is refused all the same
      return;
    }
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
  return ToText(fetched.head.id) + "@" + ToText(fetched.sealed.version);
}

// The trusted set or the whole answer was refused: nothing was released, although the first entry
// grants it.
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
  Result<SecretGet::Answer> fetched = Decode(*asked_, std::move(answer));
  if (!fetched) {
    RefuseAll(std::move(fetched).error());
    return;
  }
  fetched_ = std::move(*fetched);
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
  const SecretGet::Sealed& sealed = fetched.sealed;
  ROWSEAL_ASSIGN(const std::shared_ptr<const Dek> dek, session_.OpenDek(fetched.dek.dek, began_));
  ROWSEAL_TRY(session_.seen().CheckHead(project_, secret.name, fetched.head, began_));
  const FieldWriter context =
      WriteContext(SecretContext{session_.installation(), project_, fetched.head.id, secret.name,
                                 fetched.head.kind, sealed.version, sealed.expires_at});
  Result<SecretBytes> value =
      OpenPadded(dek->key, sealed.encrypted_data, sealed.nonce, context.bytes());
  if (!value) {
    Error error = std::move(value).error();
    if (error.code == ErrorCode::kIntegrity) {
      error.message = "version " + ToText(sealed.version) + " of secret '" + secret.name.text() +
                      "' (project '" + project_.text() + "') does not open: a stored byte is wrong";
      error.hint = "run `rowseal verify`; restore the row from a backup";
    }
    return tl::unexpected(std::move(error));
  }
  ROWSEAL_TRY(CheckProof(session_, sealed.written,
                         WrittenVersion{.write_count = 0,
                                        .context = context.bytes(),
                                        .created_at = sealed.created_at,
                                        .dek = fetched.dek.dek.id,
                                        .nonce = sealed.nonce,
                                        .encrypted_data = sealed.encrypted_data},
                         "version " + ToText(sealed.version) + " of secret '" + secret.name.text() +
                             "' (project '" + project_.text() + "')"));
  // The head says which version is the newest.
  ROWSEAL_TRY(CheckLastWritten(session_, project_, secret.name, fetched.head));
  if (sealed.expires_at && *sealed.expires_at <= session_.Now()) {
    return Fail(ErrorCode::kRefusedByState,
                "version " + ToText(sealed.version) + " of secret '" + secret.name.text() +
                    "' has expired at " + ToRfc3339(*sealed.expires_at),
                "put a new version, or change the expiry with `rowseal secret expire`");
  }
  if (within_ == Within::kOwnTransaction) {  // another one's rows may still be rolled back
    session_.seen().Remember(project_, secret.name, fetched.head);
  }
  session_.observer().Count(Counter::kSecretsOpened);
  return Secret{fetched.head.id,   fetched.head.kind, sealed.version,
                sealed.expires_at, sealed.created_at, std::move(*value)};
}

Result<std::vector<Result<Secret>>> GetOperation::Take() && {
  if (failure_) {
    return tl::unexpected(std::move(*failure_));
  }
  return std::move(opened_);
}

}  // namespace rowseal
