#include "client/seen_rows.h"

namespace rowseal {
namespace {

// Neither part has a control character, so the newline separates.
std::string KeyOf(const ProjectId& project, const SecretName& name) {
  return project.text() + "\n" + name.text();
}

std::int64_t WritesOf(const SecretHead& head) { return head.written ? head.written->count : 0; }

}  // namespace

SeenRows::Moment SeenRows::Now() const {
  const std::lock_guard lock(mutex_);
  return clock_;
}

std::optional<SecretHead> SeenRows::Head(const ProjectId& project, const SecretName& name) const {
  const std::lock_guard lock(mutex_);
  const auto* seen = heads_.Find(KeyOf(project, name));
  return seen == nullptr ? std::nullopt : std::optional(seen->newest);
}

void SeenRows::Remember(const ProjectId& project, const SecretName& name, const SecretHead& head) {
  const std::lock_guard lock(mutex_);
  const std::string key = KeyOf(project, name);
  Sightings<SecretHead> sighting{head, ++clock_, {}, 0};
  if (const auto* known = heads_.Find(key); known != nullptr && known->newest.id == head.id) {
    if (known->newest.next_version > head.next_version ||
        (known->newest.next_version == head.next_version &&
         WritesOf(known->newest) >= WritesOf(head))) {
      return;
    }
    sighting.earlier = known->newest;
    sighting.earlier_seen_at = known->seen_at;
  }
  heads_.Set(key, std::move(sighting), capacity_);
}

void SeenRows::Forget(const ProjectId& project, const SecretName& name) {
  const std::lock_guard lock(mutex_);
  heads_.Erase(KeyOf(project, name));
}

Result<void> SeenRows::CheckHead(const ProjectId& project, const SecretName& name,
                                 const SecretHead& head, Moment began) const {
  const std::lock_guard lock(mutex_);
  const auto* seen = heads_.Find(KeyOf(project, name));
  const SecretHead* floor = seen == nullptr ? nullptr : seen->Before(began);
  if (floor != nullptr && floor->id == head.id && head.next_version < floor->next_version) {
    return Fail(ErrorCode::kIntegrity,
                "secret " + ToText(head.id) + " went back to an older version",
                "somebody put an older row back; restore it from a backup");
  }
  return {};
}

Result<void> SeenRows::CheckDek(DekId id, Revision revision, Moment began) {
  const std::lock_guard lock(mutex_);
  const std::string key = ToText(id);
  const auto* seen = deks_.Find(key);
  const Revision* floor = seen == nullptr ? nullptr : seen->Before(began);
  if (floor != nullptr && revision < *floor) {
    return Fail(ErrorCode::kIntegrity,
                "row " + key + " of dek went back from revision " + ToText(*floor) + " to " +
                    ToText(revision),
                "somebody put an older row back; restore it from a backup");
  }
  if (seen == nullptr) {
    deks_.Set(key, {revision, ++clock_, {}, 0}, capacity_);
  } else if (revision > seen->newest) {
    deks_.Set(key, {revision, ++clock_, seen->newest, seen->seen_at}, capacity_);
  }
  return {};
}

std::optional<DekRecord> SeenRows::ActiveDek(const ProjectId& project) const {
  const std::lock_guard lock(mutex_);
  const DekRecord* dek = active_deks_.Find(project.text());
  return dek == nullptr ? std::nullopt : std::optional(*dek);
}

void SeenRows::RememberActiveDek(const DekRecord& dek) {
  const std::lock_guard lock(mutex_);
  active_deks_.Set(dek.project.text(), dek, 4096);
}

void SeenRows::ForgetActiveDek(const ProjectId& project) {
  const std::lock_guard lock(mutex_);
  active_deks_.Erase(project.text());
}

}  // namespace rowseal
