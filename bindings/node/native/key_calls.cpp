#include "client_object.h"
#include "results.h"
#include "values.h"

// What an operator does to keys and roots, on the client's own thread.

namespace rowseal::node {
namespace {

using ToJs = Worker::ToJs;

KekId KekOf(const Napi::Value& value) { return {value.As<Napi::Number>().Int64Value()}; }

NewRootOptions NewRootOf(const std::string& uri, const std::string& scope) {
  NewRootOptions root;
  root.uri = uri;
  root.scope = scope;
  return root;
}

Result<JobsReport> RunThese(Client& client, RunJobsOptions options, const std::vector<JobId>& jobs,
                            const Access& access) {
  options.jobs = jobs;
  return RunJobs(client, options, access);
}

}  // namespace

Napi::Value ClientObject::RotateKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [access = AccessOf(info[0])](Client& client) {
    return Give(rowseal::RotateKek(client, access));
  });
}

// (project, access, run)
Napi::Value ClientObject::RotateDeks(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [project = Text(info[0]), access = AccessOf(info[1]),
       options = JobsOf(info[2].As<Napi::Number>().DoubleValue())](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
        ROWSEAL_ASSIGN(DekRotation rotation, rowseal::RotateDeks(client, id, access));
        ROWSEAL_ASSIGN(JobsReport report, RunThese(client, options, rotation.jobs, access));
        return GiveTogether(std::move(rotation), std::move(report));
      });
}

Napi::Value ClientObject::SuspendKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [kek = KekOf(info[0]), access = AccessOf(info[1])](Client& client) -> Result<ToJs> {
                  ROWSEAL_TRY(rowseal::SuspendKek(client, kek, access));
                  return Give(Result<KeyState>(KeyState::kSuspended));
                });
}

Napi::Value ClientObject::ResumeKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [kek = KekOf(info[0]), access = AccessOf(info[1])](Client& client) {
    return Give(rowseal::ResumeKek(client, kek, access));
  });
}

// (id, access, run)
Napi::Value ClientObject::DeclareCompromised(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [kek = KekOf(info[0]), access = AccessOf(info[1]),
       options = JobsOf(info[2].As<Napi::Number>().DoubleValue())](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(KekCompromise compromise, rowseal::DeclareCompromised(client, kek, access));
        ROWSEAL_ASSIGN(JobsReport report, RunThese(client, options, compromise.jobs, access));
        return ToJs(
            [compromise = std::move(compromise), report = std::move(report)](Napi::Env env) {
              Napi::Object value = Napi::Object::New(env);
              AddFields(env, value, compromise);
              AddFields(env, value, report);
              SetOwn(value, "columnsWithoutPlace", ValueOf(env, compromise.columns_without_source));
              return value;
            });
      });
}

// (id, cancel, access)
Napi::Value ClientObject::DestroyKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [kek = KekOf(info[0]), cancel = info[1].As<Napi::Boolean>().Value(),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  if (!cancel) {
                    return Give(rowseal::DestroyKek(client, kek, access));
                  }
                  ROWSEAL_TRY(CancelKekDestruction(client, kek, access));
                  return Give(Result<KekDestruction>(KekDestruction{kek, {}, false}));
                });
}

// (project, cancel, access)
Napi::Value ClientObject::RetireProject(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), cancel = info[1].As<Napi::Boolean>().Value(),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  if (!cancel) {
                    return Give(rowseal::RetireProject(client, id, access));
                  }
                  ROWSEAL_TRY(CancelRetirement(client, id, access));
                  ProjectRetirement called_off;
                  called_off.project = project;
                  return Give(Result<ProjectRetirement>(std::move(called_off)));
                });
}

Napi::Value ClientObject::Keks(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) { return GiveList(ListKeks(client)); });
}

// (project or '', discard, access)
Napi::Value ClientObject::UnreadableDeks(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [project = Text(info[0]), discard = info[1].As<Napi::Boolean>().Value(),
       access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
        std::optional<ProjectId> of;
        if (!project.empty()) {
          ROWSEAL_ASSIGN(of, ProjectId::Parse(project));
        }
        return GiveList(discard ? DiscardDeks(client, of, access) : FindUnreadableDeks(client, of));
      });
}

Napi::Value ClientObject::Roots(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) { return GiveList(ListRoots(client)); });
}

// (uri, scope, access)
Napi::Value ClientObject::AddRoot(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [root = NewRootOf(Text(info[0]), Text(info[1])), access = AccessOf(info[2])](
                    Client& client) { return Give(rowseal::AddRoot(client, root, access)); });
}

// (id, access, …)
Napi::Value ClientObject::SubmitForRoot(const Napi::CallbackInfo& info, RootTask task) {
  return Submit(info.Env(),
                [task = std::move(task), id = RootId{info[0].As<Napi::Number>().Int64Value()},
                 access = AccessOf(info[1])](Client& client) { return task(client, id, access); });
}

// (…, uri)
Napi::Value ClientObject::ReplaceRoot(const Napi::CallbackInfo& info) {
  return SubmitForRoot(info,
                       [root = NewRootOf(Text(info[2]), "default")](
                           Client& client, RootId id, const Access& access) -> Result<ToJs> {
                         ROWSEAL_ASSIGN(ReplacedRoot replaced,
                                        rowseal::ReplaceRoot(client, id, root, access));
                         return GiveTogether(std::move(replaced.added));
                       });
}

Napi::Value ClientObject::RemoveRoot(const Napi::CallbackInfo& info) {
  return SubmitForRoot(info, [](Client& client, RootId id, const Access& access) -> Result<ToJs> {
    ROWSEAL_ASSIGN(RemovedRoot removed,
                   rowseal::RemoveRoot(client, id, RootChange::kCarryOut, access));
    return GiveTogether(std::move(removed.root));
  });
}

// (…, run)
Napi::Value ClientObject::CompromiseRoot(const Napi::CallbackInfo& info) {
  return SubmitForRoot(
      info,
      [options = JobsOf(info[2].As<Napi::Number>().DoubleValue())](
          Client& client, RootId id, const Access& access) -> Result<ToJs> {
        ROWSEAL_ASSIGN(CompromisedRoot compromised,
                       MarkRootCompromised(client, id, RootChange::kCarryOut, access));
        ROWSEAL_ASSIGN(JobsReport report,
                       RunThese(client, options, compromised.dek_rotation.jobs, access));
        return GiveTogether(std::move(compromised), std::move(report));
      });
}

Napi::Value ClientObject::ExportKeys(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [access = AccessOf(info[0])](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(KeyBundle bundle, rowseal::ExportKeys(client, access));
    return ToJs([bundle = std::move(bundle)](Napi::Env env) {
      Napi::Object value = Napi::Object::New(env);
      SetOwn(value, "bundle", bundle.text);
      AddFields(env, value, bundle);
      return value;
    });
  });
}

Napi::Value ClientObject::KeyStatus(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) { return Give(Status(client)); });
}

}  // namespace rowseal::node
