#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include <rowseal/client.h>
#include <rowseal/error.h>

#include "keys/records.h"
#include "store/calls/call.h"

namespace rowseal {

/// SeenRows remembers, for a bounded number of rows, what this process saw committed. It serves
/// twice: a writer seals for the next version without asking, and a reader refuses a newest version
/// or a key revision lower than one it had seen when its operation began (an older row put back).
/// Threads: any.
class SeenRows final {
 public:
  explicit SeenRows(std::size_t capacity = 65'536) : capacity_(capacity) {}

  /// Moment orders what was seen: an operation takes one when it begins, because what another
  /// operation sees later says nothing about the rows that this one was already reading.
  using Moment = std::uint64_t;
  Moment Now() const;

  std::optional<SecretHead> Head(const ProjectId& project, const SecretName& name) const;
  /// Remember keeps the one of the same secret that was written later.
  void Remember(const ProjectId& project, const SecretName& name, const SecretHead& head);
  void Forget(const ProjectId& project, const SecretName& name);

  /// CheckHead refuses a next_version lower than one of the same secret seen before `began`.
  /// Errors: kIntegrity.
  Result<void> CheckHead(const ProjectId& project, const SecretName& name, const SecretHead& head,
                         Moment began) const;

  /// CheckDek refuses a revision lower than one seen before `began`, and remembers this one.
  /// Errors: kIntegrity.
  Result<void> CheckDek(DekId id, Revision revision, Moment began);

  /// The active DEK seen last for a project's secrets; a hint only, the store decides.
  std::optional<DekRecord> ActiveDek(const ProjectId& project) const;
  void RememberActiveDek(const DekRecord& dek);
  void ForgetActiveDek(const ProjectId& project);

 private:
  // A map that forgets the oldest entry when it is full.
  template <class Value>
  class Bounded final {
   public:
    const Value* Find(const std::string& key) const {
      const auto found = index_.find(key);
      return found == index_.end() ? nullptr : &found->second->second;
    }
    void Set(const std::string& key, Value value, std::size_t capacity) {
      Erase(key);
      entries_.emplace_front(key, std::move(value));
      index_[key] = entries_.begin();
      if (entries_.size() > capacity) {
        index_.erase(entries_.back().first);
        entries_.pop_back();
      }
    }
    void Erase(const std::string& key) {
      if (const auto found = index_.find(key); found != index_.end()) {
        entries_.erase(found->second);
        index_.erase(found);
      }
    }

   private:
    std::list<std::pair<std::string, Value>> entries_;
    std::unordered_map<std::string, typename decltype(entries_)::iterator> index_;
  };

  // The newest sighting and the one before it. Two suffice: an operation that began before both is
  // not checked, which errs on the side of no false alarm.
  template <class Value>
  struct Sightings {
    Value newest;
    Moment seen_at = 0;
    std::optional<Value> earlier;
    Moment earlier_seen_at = 0;

    const Value* Before(Moment began) const {
      if (seen_at <= began) {
        return &newest;
      }
      return earlier && earlier_seen_at <= began ? &*earlier : nullptr;
    }
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  Moment clock_ = 0;
  Bounded<Sightings<SecretHead>> heads_;
  Bounded<Sightings<Revision>> deks_;
  Bounded<DekRecord> active_deks_;
};

}  // namespace rowseal
