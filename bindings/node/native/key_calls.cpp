#include "client_object.h"
#include "results.h"
#include "values.h"

// What an operator does to keys and roots, on the client's own thread.

namespace rowseal::node {
namespace {

using ToJs = Worker::ToJs;

KekId KekOf(const Napi::Value& value) { return {value.As<Napi::Number>().Int64Value()}; }

Napi::Value OptionalMilliseconds(Napi::Env env, const std::optional<Timestamp>& time) {
  return time ? MillisecondsValue(env, *time) : env.Null();
}

Napi::Value KekValue(Napi::Env env, const KeySummary& kek) {
  Napi::Object value = Napi::Object::New(env);
  value["id"] = static_cast<double>(std::stoll(kek.id));
  value["scope"] = kek.scope;
  value["state"] = kek.state;
  value["deks"] = static_cast<double>(kek.deks.value_or(0));
  value["createdAt"] = MillisecondsValue(env, kek.created_at);
  value["rotationDueAt"] = OptionalMilliseconds(env, kek.rotation_due);
  value["compromisedAt"] = OptionalMilliseconds(env, kek.compromised_at);
  value["destroyAt"] = OptionalMilliseconds(env, kek.destroy_at);
  return value;
}

Napi::Value RootValue(Napi::Env env, const RootSummary& root) {
  Napi::Object value = Napi::Object::New(env);
  value["id"] = static_cast<double>(root.id.value);
  value["uri"] = root.uri;
  value["scope"] = root.scope;
  value["fingerprint"] = root.fingerprint;
  value["state"] = root.state;
  value["configured"] = root.configured;
  value["wrapsOnly"] = root.wraps_only;
  value["keks"] = static_cast<double>(root.keks.size());
  value["ifLost"] = root.if_lost;
  value["createdAt"] = MillisecondsValue(env, root.created_at);
  return value;
}

Napi::Object AddedRootValue(Napi::Env env, const AddedRoot& added) {
  Napi::Object value = Napi::Object::New(env);
  value["id"] = static_cast<double>(added.id.value);
  value["uri"] = added.uri;
  value["fingerprint"] = added.fingerprint;
  value["proven"] = added.proven;
  value["failedDeks"] = static_cast<double>(added.failures.size());
  return value;
}

NewRootOptions NewRootOf(const std::string& uri, const std::string& scope) {
  NewRootOptions root;
  root.uri = uri;
  root.scope = scope;
  return root;
}

}  // namespace

Napi::Value ClientObject::RotateKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [access = AccessOf(info[0])](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(const RotationReport report, rowseal::RotateKek(client, access));
    return ToJs([report](Napi::Env env) { return RotationValue(env, report); });
  });
}

Napi::Value ClientObject::RotateDeks(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [project = Text(info[0]), access = AccessOf(info[1]),
       options = JobsOf(info[2].As<Napi::Number>().DoubleValue())](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
        ROWSEAL_ASSIGN(const DekRotation rotation, rowseal::RotateDeks(client, id, access));
        RunJobsOptions run = options;
        run.jobs = rotation.jobs;
        ROWSEAL_ASSIGN(const JobsReport report, RunJobs(client, run, access));
        return ToJs([rotated = rotation.rotated, report](Napi::Env env) {
          auto value = JobsValue(env, report).As<Napi::Object>();
          value["rotated"] = static_cast<double>(rotated);
          return value;
        });
      });
}

Napi::Value ClientObject::SuspendKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [kek = KekId{info[0].As<Napi::Number>().Int64Value()},
                 access = AccessOf(info[1])](Client& client) -> Result<ToJs> {
                  ROWSEAL_TRY(rowseal::SuspendKek(client, kek, access));
                  return ToJs([](Napi::Env env) { return Napi::String::New(env, "suspended"); });
                });
}

Napi::Value ClientObject::ResumeKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [kek = KekId{info[0].As<Napi::Number>().Int64Value()},
                 access = AccessOf(info[1])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const std::string state, rowseal::ResumeKek(client, kek, access));
                  return ToJs([state](Napi::Env env) { return Napi::String::New(env, state); });
                });
}

Napi::Value ClientObject::DeclareCompromised(const Napi::CallbackInfo& info) {
  return Submit(
      info.Env(),
      [kek = KekId{info[0].As<Napi::Number>().Int64Value()}, access = AccessOf(info[1]),
       options = JobsOf(info[2].As<Napi::Number>().DoubleValue())](Client& client) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const KekCompromise compromise,
                       rowseal::DeclareCompromised(client, kek, access));
        RunJobsOptions run = options;
        run.jobs = compromise.jobs;
        ROWSEAL_ASSIGN(const JobsReport report, RunJobs(client, run, access));
        return ToJs([compromise, report](Napi::Env env) {
          auto value = JobsValue(env, report).As<Napi::Object>();
          value["newKek"] =
              compromise.new_kek
                  ? Napi::Number::New(env, static_cast<double>(compromise.new_kek->value))
                  : env.Null();
          value["rewrapped"] = static_cast<double>(compromise.rewrapped);
          value["failedDeks"] = static_cast<double>(compromise.failures.size());
          return value;
        });
      });
}

// (id, cancel, access)
Napi::Value ClientObject::DestroyKek(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [kek = KekOf(info[0]), cancel = info[1].As<Napi::Boolean>().Value(),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  KekDestruction destruction;
                  if (cancel) {
                    ROWSEAL_TRY(CancelKekDestruction(client, kek, access));
                  } else {
                    ROWSEAL_ASSIGN(destruction, rowseal::DestroyKek(client, kek, access));
                  }
                  return ToJs([destruction, cancel](Napi::Env env) {
                    Napi::Object value = Napi::Object::New(env);
                    value["dueAt"] = cancel ? env.Null() : MillisecondsValue(env, destruction.due);
                    value["destroyed"] = destruction.destroyed;
                    return value;
                  });
                });
}

// (project, cancel, access)
Napi::Value ClientObject::RetireProject(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [project = Text(info[0]), cancel = info[1].As<Napi::Boolean>().Value(),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const ProjectId id, ProjectId::Parse(project));
                  ProjectRetirement retirement;
                  if (cancel) {
                    ROWSEAL_TRY(CancelRetirement(client, id, access));
                  } else {
                    ROWSEAL_ASSIGN(retirement, rowseal::RetireProject(client, id, access));
                  }
                  return ToJs([retirement](Napi::Env env) {
                    Napi::Object value = Napi::Object::New(env);
                    value["retiredAt"] = OptionalMilliseconds(env, retirement.retired_at);
                    value["destroyAt"] = OptionalMilliseconds(env, retirement.destroy_at);
                    value["destroyedAt"] = OptionalMilliseconds(env, retirement.destroyed_at);
                    value["backupsUntilAt"] = OptionalMilliseconds(env, retirement.backups_until);
                    value["secrets"] = static_cast<double>(retirement.secrets);
                    return value;
                  });
                });
}

Napi::Value ClientObject::Keks(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(std::vector<KeySummary> keks, ListKeks(client));
    return ListOf<KeySummary>(std::move(keks), KekValue);
  });
}

Napi::Value ClientObject::Roots(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(std::vector<RootSummary> roots, ListRoots(client));
    return ListOf<RootSummary>(std::move(roots), RootValue);
  });
}

// (uri, scope, access)
Napi::Value ClientObject::AddRoot(const Napi::CallbackInfo& info) {
  return Submit(info.Env(),
                [root = NewRootOf(Text(info[0]), Text(info[1])),
                 access = AccessOf(info[2])](Client& client) -> Result<ToJs> {
                  ROWSEAL_ASSIGN(const AddedRoot added, rowseal::AddRoot(client, root, access));
                  return ToJs([added](Napi::Env env) { return AddedRootValue(env, added); });
                });
}

Napi::Value ClientObject::SubmitForRoot(const Napi::CallbackInfo& info, RootTask task) {
  return Submit(info.Env(),
                [task = std::move(task), id = RootId{info[0].As<Napi::Number>().Int64Value()},
                 access = AccessOf(info[1])](Client& client) { return task(client, id, access); });
}

// (id, access, uri)
Napi::Value ClientObject::ReplaceRoot(const Napi::CallbackInfo& info) {
  return SubmitForRoot(
      info,
      [root = NewRootOf(Text(info[2]), "default")](Client& client, RootId id,
                                                   const Access& access) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const ReplacedRoot replaced, rowseal::ReplaceRoot(client, id, root, access));
        return ToJs([added = replaced.added](Napi::Env env) { return AddedRootValue(env, added); });
      });
}

Napi::Value ClientObject::RemoveRoot(const Napi::CallbackInfo& info) {
  return SubmitForRoot(info, [](Client& client, RootId id, const Access& access) -> Result<ToJs> {
    ROWSEAL_ASSIGN(const RemovedRoot removed,
                   rowseal::RemoveRoot(client, id, RootChange::kCarryOut, access));
    return ToJs([root = removed.root](Napi::Env env) { return RootValue(env, root); });
  });
}

// (id, access, run)
Napi::Value ClientObject::CompromiseRoot(const Napi::CallbackInfo& info) {
  return SubmitForRoot(
      info,
      [options = JobsOf(info[2].As<Napi::Number>().DoubleValue())](
          Client& client, RootId id, const Access& access) -> Result<ToJs> {
        ROWSEAL_ASSIGN(const CompromisedRoot compromised,
                       MarkRootCompromised(client, id, RootChange::kCarryOut, access));
        RunJobsOptions run = options;
        run.jobs = compromised.dek_rotation.jobs;
        ROWSEAL_ASSIGN(const JobsReport report, RunJobs(client, run, access));
        return ToJs([compromised, report](Napi::Env env) {
          auto value = JobsValue(env, report).As<Napi::Object>();
          value["projects"] = static_cast<double>(compromised.projects);
          value["kekRotation"] =
              compromised.kek_rotation ? RotationValue(env, *compromised.kek_rotation) : env.Null();
          return value;
        });
      });
}

Napi::Value ClientObject::ExportKeys(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [access = AccessOf(info[0])](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(const KeyBundle bundle, rowseal::ExportKeys(client, access));
    return ToJs([bundle](Napi::Env env) {
      Napi::Object value = Napi::Object::New(env);
      value["bundle"] = bundle.text;
      value["installation"] = ToText(bundle.installation);
      value["epoch"] = static_cast<double>(bundle.epoch);
      value["keks"] = static_cast<double>(bundle.keks);
      value["deks"] = static_cast<double>(bundle.deks);
      return value;
    });
  });
}

Napi::Value ClientObject::KeyStatus(const Napi::CallbackInfo& info) {
  return Submit(info.Env(), [](Client& client) -> Result<ToJs> {
    ROWSEAL_ASSIGN(const StatusReport status, Status(client));
    return ToJs([status](Napi::Env env) { return StatusValue(env, status); });
  });
}

}  // namespace rowseal::node
