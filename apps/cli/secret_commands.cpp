#include <fmt/format.h>

#include "arguments.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "input.h"
#include "output.h"
#include "paging.h"
#include "program.h"
#include "shown.h"

namespace rowseal::cli {
namespace {

Json TargetJson(const SecretTarget& target) {
  return {{"project", target.project.text()}, {"name", target.name.text()}};
}

Result<int> PrintStored(const Program& program, const SecretTarget& target,
                        const StoredSecret& stored) {
  Json json = TargetJson(target);
  json["id"] = ToText(stored.id);
  json["version"] = stored.version.value;
  return Show(program, json,
              fmt::format("{} version {}\n", target.name.text(), stored.version.value));
}

// --- put, get
// -------------------------------------------------------------------------------------

struct PutArguments : SecretArguments {
  std::optional<std::string> expires;
  std::optional<std::string> at_file;
};

Result<int> PutSecret(Program& program, const PutArguments& arguments) {
  ROWSEAL_ASSIGN(const SecretTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(const std::optional<SecretKind> kind, ParseKind(arguments.kind));
  std::optional<Timestamp> expires_at;
  if (arguments.expires) {
    ROWSEAL_ASSIGN(expires_at, ParseRfc3339(*arguments.expires));
  }
  ROWSEAL_ASSIGN(const SecretBytes value,
                 ReadSecretInput(arguments.at_file, target.name.text() + ": "));
  if (kind == SecretKind::kWebhook && value.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "the value for webhook secret '" + Printable(target.name.text()) + "' is empty",
                "anybody can make the signatures of an empty secret; give the sender's");
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const StoredSecret stored, client.Put(target.project,
                                                       {target.name, value.Reveal(), kind,
                                                        expires_at, PutRule::kCreateOrAddVersion},
                                                       program.access()));
  return PrintStored(program, target, stored);
}

void AddPutVerb(Verbs& verbs) {
  const auto [verb, arguments] = verbs.Add<PutArguments>(
      {"put", "Store a value, byte for byte from stdin or a file, as a new version",
       "  rowseal secret put acme STRIPE_KEY < key.txt\n"
       "  rowseal secret put acme HOOK --kind webhook @hook.key\n"
       "  pass show stripe | tr -d '\\n' | rowseal secret put acme STRIPE_KEY\n"},
      PutSecret);
  AddTarget(verb, arguments);
  verb.add_option("@FILE", arguments.at_file, "Read the value from a file instead of stdin");
  AddKind(verb, arguments.kind);
  verb.add_option("--expires", arguments.expires, "A time as 2027-01-31T23:59:59Z");
}

Result<int> GetSecret(Program& program, const SecretArguments& arguments) {
  ROWSEAL_ASSIGN(const SecretTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(const std::optional<SecretVersion> version, ParseVersion(arguments.version));
  ROWSEAL_TRY(CheckReveal(arguments.reveal));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Secret secret,
                 client.Get(target.project, target.name, version, program.access()));
  if (!program.json()) {
    ROWSEAL_TRY(PrintSecret(secret.value.Reveal(), arguments.reveal));
    return 0;
  }
  Json json = TargetJson(target);
  json["id"] = ToText(secret.id);
  json["kind"] = ToText(secret.kind);
  json["version"] = secret.version.value;
  json["expires_at"] = JsonOf(secret.expires_at);
  json["created_at"] = JsonOf(secret.created_at);
  ROWSEAL_TRY(PrintSecretJson(json, secret.value.Reveal(), arguments.reveal));
  return 0;
}

void AddGetVerb(Verbs& verbs) {
  const auto [verb, arguments] = verbs.Add<SecretArguments>(
      {"get", "Write a secret to stdout, byte for byte, without a newline",
       "  rowseal secret get acme STRIPE_KEY > key.txt\n"
       "  rowseal secret get acme STRIPE_KEY --version 2 --reveal\n"
       "  rowseal secret get acme STRIPE_KEY --json | jq -r .value_base64 | base64 -d\n"},
      GetSecret);
  AddTarget(verb, arguments);
  verb.add_option("--version", arguments.version, "A version's number [the newest]");
  AddReveal(verb, arguments.reveal);
}

// --- list, versions
// -------------------------------------------------------------------------------

// A project comes into being with its first DEK, which outlives its secrets.
Result<void> CheckProjectExists(Client& client, const ProjectId& project) {
  ListDeksOptions options;
  options.project = project;
  options.limit = 1;
  ROWSEAL_ASSIGN(const Listing<DekSummary> deks, ListDeks(client, options));
  if (deks.empty() && deks.unreadable.empty()) {
    return Fail(ErrorCode::kNotFound,
                "there is no project '" + Printable(project.text()) + "' in this store",
                "a project comes into being with its first secret; rowseal dek list names them");
  }
  return {};
}

Result<int> ListSecrets(Program& program, const SecretArguments& arguments) {
  ROWSEAL_ASSIGN(const ProjectId project, ProjectId::Parse(arguments.project));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<SecretSummary> secrets, ListAll(client, project));
  if (secrets.empty() && secrets.unreadable.empty()) {
    ROWSEAL_TRY(CheckProjectExists(client, project));
  }
  return ShowList(program, "secrets", secrets,
                  {{"NAME", "name"},
                   {"KIND", "kind"},
                   {"VERSION", "version"},
                   {"VERSIONS", "versions"},
                   {"EXPIRES", "expires_at"},
                   {"UPDATED", "updated_at"}});
}

void AddListVerb(Verbs& verbs) {
  const auto [verb, arguments] =
      verbs.Add<SecretArguments>({"list", "List a project's secrets, without values",
                                  "  rowseal secret list acme\n"
                                  "  rowseal secret list acme --json | jq -r '.secrets[].name'\n"},
                                 ListSecrets);
  AddProject(verb, arguments.project);
}

Result<int> ListVersions(Program& program, const SecretArguments& arguments) {
  ROWSEAL_ASSIGN(const SecretTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<VersionSummary> versions,
                 client.Versions(target.project, target.name));
  return ShowList(program, "versions", versions,
                  {{"VERSION", "version"},
                   {"EXPIRES", "expires_at"},
                   {"CREATED", "created_at"},
                   {"BY", "created_by"}});
}

void AddVersionsVerb(Verbs& verbs) {
  const auto [verb, arguments] =
      verbs.Add<SecretArguments>({"versions", "List a secret's versions, newest first",
                                  "  rowseal secret versions acme STRIPE_KEY\n"},
                                 ListVersions);
  AddTarget(verb, arguments);
}

// --- rollback, rename, expire, rm
// -----------------------------------------------------------------

Result<int> RollbackSecret(Program& program, const SecretArguments& arguments) {
  ROWSEAL_ASSIGN(const SecretTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(const std::optional<SecretVersion> version, ParseVersion(arguments.version));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const StoredSecret stored,
                 client.Rollback(target.project, target.name, version.value(), program.access()));
  return PrintStored(program, target, stored);
}

void AddRollbackVerb(Verbs& verbs) {
  const auto [verb, arguments] =
      verbs.Add<SecretArguments>({"rollback", "Seal the value of an old version as a new version",
                                  "  rowseal secret rollback acme STRIPE_KEY --version 2\n"},
                                 RollbackSecret);
  AddTarget(verb, arguments);
  verb.add_option("--version", arguments.version, "The version to go back to")->required();
}

struct RenameArguments : SecretArguments {
  std::string new_name;
};

Result<int> RenameSecret(Program& program, const RenameArguments& arguments) {
  ROWSEAL_ASSIGN(const SecretTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(const SecretName new_name, SecretName::Parse(arguments.new_name));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(client.Rename(target.project, target.name, new_name, program.access()));
  Json json = TargetJson(target);
  json["new_name"] = new_name.text();
  return Show(program, json);
}

void AddRenameVerb(Verbs& verbs) {
  const auto [verb, arguments] =
      verbs.Add<RenameArguments>({"rename", "Give a secret another name; every version is resealed",
                                  "  rowseal secret rename acme STRIPE_KEY STRIPE_SECRET_KEY\n"},
                                 RenameSecret);
  AddTarget(verb, arguments);
  verb.add_option("NEW_NAME", arguments.new_name, "The new name")->required();
}

struct ExpireArguments : SecretArguments {
  std::optional<std::string> at;
  bool never = false;
};

Result<int> ExpireSecret(Program& program, const ExpireArguments& arguments) {
  ROWSEAL_ASSIGN(const SecretTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(const std::optional<SecretVersion> version, ParseVersion(arguments.version));
  if (arguments.at.has_value() == arguments.never) {
    return Fail(ErrorCode::kInvalidArgument, "give either --at TIME or --never");
  }
  std::optional<Timestamp> expires_at;
  if (arguments.at) {
    ROWSEAL_ASSIGN(expires_at, ParseRfc3339(*arguments.at));
  }
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_TRY(client.Expire(target.project, target.name, version, expires_at, program.access()));
  Json json = TargetJson(target);
  json["expires_at"] = JsonOf(expires_at);
  return Show(program, json);
}

void AddExpireVerb(Verbs& verbs) {
  const auto [verb, arguments] = verbs.Add<ExpireArguments>(
      {"expire", "Set or remove the time behind which a version is refused",
       "  rowseal secret expire acme STRIPE_KEY --at 2027-01-31T23:59:59Z\n"
       "  rowseal secret expire acme STRIPE_KEY --version 2 --never\n"},
      ExpireSecret);
  AddTarget(verb, arguments);
  verb.add_option("--version", arguments.version, "A version's number [the newest]");
  verb.add_option("--at", arguments.at, "A time as 2027-01-31T23:59:59Z");
  verb.add_flag("--never", arguments.never, "Remove the expiry");
}

struct RemoveArguments : SecretArguments {
  bool yes = false;
  bool dry_run = false;
};

Result<int> RemoveSecret(Program& program, const RemoveArguments& arguments) {
  ROWSEAL_ASSIGN(const SecretTarget target, ParseTarget(arguments));
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const Listing<VersionSummary> versions,
                 client.Versions(target.project, target.name));
  const std::size_t count = versions.size() + versions.unreadable.size();
  Json json = TargetJson(target);
  json["versions"] = count;
  json["deleted"] = !arguments.dry_run;
  const std::string what =
      fmt::format("{} with {} version{}", target.name.text(), count, count == 1 ? "" : "s");
  if (arguments.dry_run) {
    return Show(program, json, "would delete " + what + "\n");
  }
  ROWSEAL_TRY(Confirm(arguments.yes, "Delete " + what + " for good?", "not deleted"));
  ROWSEAL_TRY(client.Delete(target.project, target.name, program.access()));
  return Show(program, json);
}

void AddRemoveVerb(Verbs& verbs) {
  const auto [verb, arguments] =
      verbs.Add<RemoveArguments>({"rm", "Delete a secret with all its versions, for good",
                                  "  rowseal secret rm acme STRIPE_KEY --dry-run\n"
                                  "  rowseal secret rm acme STRIPE_KEY --yes\n"},
                                 RemoveSecret);
  AddTarget(verb, arguments);
  verb.add_flag("--yes", arguments.yes, "Do not ask; needed where nobody can be asked");
  verb.add_flag("--dry-run", arguments.dry_run, "Show what would be deleted");
}

}  // namespace

void AddSecretVerbs(Verbs verbs) {
  Verbs secret = verbs.Group("secret", "Put, get, list, change, export and import secrets");
  AddPutVerb(secret);
  AddGetVerb(secret);
  AddListVerb(secret);
  AddVersionsVerb(secret);
  AddRollbackVerb(secret);
  AddRenameVerb(secret);
  AddExpireVerb(secret);
  AddRemoveVerb(secret);
  AddTransferVerbs(secret);
}

}  // namespace rowseal::cli
