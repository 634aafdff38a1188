#include <fmt/format.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "program.h"
#include "progress.h"
#include "shown.h"

namespace rowseal::cli {
namespace {

Result<int> Init(Program& program, const InstallOptions& install) {
  ROWSEAL_ASSIGN(const InitOutcome outcome, InitStore(program.store_options(), install));
  const bool created = outcome == InitOutcome::kCreated;
  return Show(program,
              {{"store", program.settings().store}, {"outcome", created ? "created" : "existed"}},
              created ? "created\n" : "existed already, nothing changed\n");
}

// What an operator has to know of beside the counts; nothing where all is as it should be.
std::string StatesText(const StatusReport& status) {
  std::string text;
  if (!status.suspended.empty()) {
    text += fmt::format("suspended KEKs  {}\n", ListText(status.suspended));
  }
  if (!status.compromised.empty()) {
    text += fmt::format("compromised     {}\n", ListText(status.compromised));
  }
  for (const auto& [kek, from] : status.to_destroy) {
    text += fmt::format("to be destroyed KEK {}, from {} on\n", kek.value, ToRfc3339(from));
  }
  if (status.retired_projects > 0) {
    text += fmt::format("retired         {} projects\n", status.retired_projects);
  }
  if (status.destroyed_keys > 0) {
    text += fmt::format("destroyed keys  {}\n", status.destroyed_keys);
  }
  return text;
}

std::string StatusText(const StatusReport& status) {
  const std::string active =
      status.active_kek.value == 0
          ? "none"
          : fmt::format("{}, since {}{}", ToText(status.active_kek),
                        ToRfc3339(status.active_kek_created_at),
                        status.kek_rotation_due
                            ? ", due for rotation " + ToRfc3339(*status.kek_rotation_due)
                            : "");
  return fmt::format(
      "installation    {}\n"
      "format          {}\n"
      "epoch           {}\n"
      "integrity KEK   {}\n"
      "active KEK      {}\n"
      "{}"
      "KEKs            {}\n"
      "DEKs            {}\n"
      "projects        {}\n"
      "secrets         {}\n"
      "versions        {}\n"
      "memory locked   {}\n"
      "{}",
      ToText(status.installation), status.format, status.epoch, ToText(status.integrity_kek),
      active, StatesText(status), status.keks, status.deks, status.projects, status.secrets,
      status.versions, status.memory_locked ? "yes" : "no",
      status.rolled_back ? "rolled back     yes: an older copy stands in the store's place\n" : "");
}

Result<int> ShowStatus(Program& program) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  ROWSEAL_ASSIGN(const StatusReport status, Status(client));
  return Show(program, JsonOf(status), StatusText(status));
}

// VerifyOutput writes each failure as it is found, so that memory does not grow with them.
class VerifyOutput final {
 public:
  explicit VerifyOutput(bool json) : json_(json) {}

  void Write(const VerifyFailure& failure) {
    Keep(PrintText(json_ ? (first_ ? "{\"failures\":[" : ",") + JsonText(JsonOf(failure))
                         : fmt::format("{}: {}: {}\n", ToText(failure.failure), failure.row,
                                       failure.message)));
    first_ = false;
  }

  Result<void> End(const VerifyReport& report) {
    ROWSEAL_TRY(written_);
    if (json_) {
      return PrintText((first_ ? "{\"failures\":[]," : "],") + JsonText(JsonOf(report)).substr(1) +
                       "\n");
    }
    return PrintText(fmt::format("{} KEKs, {} DEKs, {} secrets, {} versions; {} failed\n",
                                 report.keks, report.deks, report.secrets, report.versions,
                                 report.failures));
  }

 private:
  void Keep(Result<void> written) {
    if (written_ && !written) {
      written_ = std::move(written);
    }
  }

  bool json_;
  bool first_ = true;
  Result<void> written_;
};

Result<int> RunVerify(Program& program, bool accept_rollback) {
  ROWSEAL_ASSIGN(Client client, program.Connect());
  if (accept_rollback) {
    ROWSEAL_ASSIGN(const std::int64_t epoch, AcceptRollback(client, program.access()));
    PrintNote(fmt::format("this copy of the store is gone on with, from epoch {}", epoch));
  }
  ROWSEAL_ASSIGN(const StatusReport status, Status(client));
  Progress progress("verified", "versions", status.versions);
  VerifyOutput output(program.json());
  const Result<VerifyReport> report = Verify(
      client,
      [&](const VerifyFailure& failure) {
        progress.Clear();
        output.Write(failure);
      },
      [&](const VerifyReport& so_far) { progress.Show(so_far.versions); });
  progress.Clear();
  if (!report) {
    return tl::unexpected(report.error());
  }
  ROWSEAL_TRY(output.End(*report));
  if (report->failures == 0 && report->suspended > 0) {
    return Fail(ErrorCode::kRefusedByState,
                fmt::format("versions that were not opened, because their KEK is suspended: {}",
                            report->suspended),
                "rowseal kek resume, then verify again");
  }
  if (report->failures == 0) {
    return 0;
  }
  return Fail(ErrorCode::kIntegrity, fmt::format("rows that do not verify: {}", report->failures),
              "restore those rows from a backup; the others are not affected");
}

Result<int> Upgrade(Program& program) {
  ROWSEAL_ASSIGN(const int steps, UpgradeStore(program.store_options()));
  return Show(program, {{"steps", steps}},
              steps == 0 ? std::string("of this release's format already\n")
                         : fmt::format("upgraded in {} steps\n", steps));
}

Result<int> PrintSql(const Program& program, const Result<std::string>& sql) {
  ROWSEAL_TRY(sql);
  return Show(program, {{"sql", *sql}}, *sql);
}

// What `init` is told of the app's tables.
struct InitFlags {
  std::string projects;
  std::string project_key = "id";
  std::string view;
  std::string view_role;
  std::string view_members;
  bool print_sql = false;
};

Result<InstallOptions> InstallOptionsOf(const InitFlags& flags) {
  InstallOptions install;
  if (!flags.projects.empty()) {
    install.projects = ProjectsTable{flags.projects, flags.project_key};
  }
  const bool any = !flags.view.empty() || !flags.view_role.empty() || !flags.view_members.empty();
  const bool all = !flags.view.empty() && !flags.view_role.empty() && !flags.view_members.empty();
  if (any && !all) {
    return Fail(ErrorCode::kInvalidArgument, "the metadata view is not complete",
                "give --metadata-view, --metadata-role and --metadata-members together");
  }
  if (all) {
    install.metadata_view = MetadataView{flags.view, flags.view_role, flags.view_members};
  }
  return install;
}

void AddInitVerb(Verbs& verbs) {
  const auto flags = std::make_shared<InitFlags>();
  CLI::App& init =
      verbs.Add({"init", "Make a store, its keys and, where there is none, the root key file",
                 "  rowseal init --store sqlite:secrets.db --root file:root.key\n"
                 "  rowseal init --store postgres://app@db/app --root file:root.key"
                 " --projects public.projects\n"},
                [flags](Program& program) -> Result<int> {
                  ROWSEAL_ASSIGN(const InstallOptions install, InstallOptionsOf(*flags));
                  return flags->print_sql
                             ? PrintSql(program, PrintInstallSql(program.store_options(), install))
                             : Init(program, install);
                });
  init.add_option("--projects", flags->projects, "The app's table of projects (PostgreSQL)");
  init.add_option("--project-key", flags->project_key, "Its key column (default: id)");
  init.add_option("--metadata-view", flags->view,
                  "Make a view of names, kinds, versions and times for the app's users");
  init.add_option("--metadata-role", flags->view_role, "Who may read it");
  init.add_option("--metadata-members", flags->view_members,
                  "SQL condition on the projects table: the reader's projects");
  init.add_flag("--print-sql", flags->print_sql, "Print the SQL and do nothing (PostgreSQL)");
}

}  // namespace

void AddStoreVerbs(Verbs verbs) {
  AddInitVerb(verbs);
  verbs.Add({"status", "Show the installation, its keys and counts",
             "  rowseal status\n  rowseal status --json\n"},
            ShowStatus);
  const auto accept_rollback = std::make_shared<bool>(false);
  verbs
      .Add({"verify", "Open every row and name each that does not stand (exit 4)",
            "  rowseal verify\n  rowseal verify --json > report.json\n"},
           [accept_rollback](Program& program) { return RunVerify(program, *accept_rollback); })
      .add_flag("--accept-rollback", *accept_rollback,
                "Go on with an older copy of the store that was put in its place");
  const auto print_sql = std::make_shared<bool>(false);
  verbs
      .Add({"upgrade", "Bring a store of an older format to this release's",
            "  rowseal upgrade --store sqlite:secrets.db\n  rowseal upgrade --print-sql\n"},
           [print_sql](Program& program) {
             return *print_sql ? PrintSql(program, PrintUpgradeSql(program.store_options()))
                               : Upgrade(program);
           })
      .add_flag("--print-sql", *print_sql, "Print the SQL of every upgrade and do nothing");
}

}  // namespace rowseal::cli
