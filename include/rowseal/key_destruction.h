#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/states.h>

namespace rowseal {

/// Destroying a key deletes its row, for good, and keeps evidence of it, in one transaction; the
/// store's foreign keys refuse it while something stands under the key. What was copied before (a
/// backup, a bundle of keys) is out of reach. Waits go by the store's clock and the policies
/// `destroy.wait` and `dek.destroy_after`. Threads: any; each call has the client's connection to
/// itself while it runs.

struct KekDestruction {
  KekId kek;
  std::optional<Timestamp> due;  ///< from when on it may be destroyed; nothing: it was called off
  bool destroyed = false;        ///< it is gone
};

/// DestroyKek asks for a KEK to be destroyed. The first call begins the wait; after it DestroyKek
/// or Maintain carries it out, and until then CancelKekDestruction calls it off. Nothing changes
/// for the KEK while it waits. Errors: kNotFound; kRefusedByState (it is active, suspended or the
/// integrity key, DEKs stand under it, it is gone already).
Result<KekDestruction> DestroyKek(Client& client, KekId kek, const Access& access = {});

/// PlanKekDestruction says what DestroyKek would do, or why it would not, and changes nothing.
Result<KekDestruction> PlanKekDestruction(Client& client, KekId kek);

/// CancelKekDestruction calls it off. Errors: kNotFound, kRefusedByState (nobody asked for it).
Result<void> CancelKekDestruction(Client& client, KekId kek, const Access& access = {});

/// DestroyDek destroys a drained DEK once it has waited: one of purpose `secret` under which no
/// version stands; one of purpose `value` only when every registered column was scanned whole after
/// the wait and nothing was found. Maintain does the same for all. Errors: kNotFound,
/// kRefusedByState (why, and from when on).
Result<void> DestroyDek(Client& client, const ProjectId& project, DekId dek,
                        const Access& access = {});

/// UnreadableDek is a row of a DEK that nothing can open: its tag is not Rowseal's, it names a KEK
/// or a purpose that there is not, or its key does not unwrap. Somebody who may write to the store
/// put it there, or changed it.
struct UnreadableDek {
  std::string project;  ///< as the row has it, like the next three: no text that Rowseal checked
  std::string id;
  std::string purpose;
  std::string state;
  std::string why;            ///< what is wrong with it
  std::int64_t versions = 0;  ///< secret versions that name it
  std::int64_t values = 0;    ///< values that name it, in registered columns with a place
  bool discarded = false;     ///< it is gone
};

/// FindUnreadableDeks lists them, of one project or of all, and reads every registered column that
/// has a place. A DEK whose KEK no root given to this client opens is none of them. Columns whose
/// registration cannot be read, so that their values are not counted, are in `unreadable`. Errors:
/// the store's, the app's databases'.
Result<Listing<UnreadableDek>> FindUnreadableDeks(
    Client& client, const std::optional<ProjectId>& project = std::nullopt);

/// DiscardDeks deletes those that nothing names, keeps evidence of each, and returns what
/// FindUnreadableDeks would have, in one transaction. One that a version or a value names stays:
/// what it was is in a backup or a bundle of keys (`keys restore`). While the registration of a
/// column cannot be read, all stay: values of that column may name any of them. Errors: those of
/// FindUnreadableDeks, kRefusedByState (the store is an older copy).
Result<Listing<UnreadableDek>> DiscardDeks(Client& client,
                                           const std::optional<ProjectId>& project = std::nullopt,
                                           const Access& access = {});

/// KeyEvidence is what is kept of every key that is gone.
struct KeyEvidence {
  /// As the row had them: those of a discarded DEK may be none that there are.
  std::string purpose;
  std::string state;
  Timestamp created_at;
  Timestamp destroyed_at;
  std::string actor;  ///< who asked for it
  std::string reason;
  std::string census;  ///< what was found to need it
};

struct DestroyedKek {
  KekId id;
  std::string scope;
  KeyEvidence evidence;
};

struct DestroyedDek {
  std::string project;  ///< of a discarded one as its row had it, like the id
  std::string id;
  KeyEvidence evidence;
};

/// ListDestroyedKeks lists the evidence of KEKs by id, after the one given, at most `limit` (1 to
/// 10,000). Errors: the client's.
Result<Listing<DestroyedKek>> ListDestroyedKeks(Client& client, KekId after = {},
                                                std::int64_t limit = 1000);

/// ListDestroyedDeks lists the evidence of DEKs by project and id, after the pair given. Errors: as
/// ListDestroyedKeks.
Result<Listing<DestroyedDek>> ListDestroyedDeks(Client& client, std::string_view after_project = {},
                                                std::string_view after_id = {},
                                                std::int64_t limit = 1000);

struct DestructionReport {
  std::vector<KekId> keks;
  std::int64_t deks = 0;
  std::vector<std::string> failures;  ///< keys that were due and stay, each named
};

/// DestroyDueKeys destroys what has waited: KEKs that somebody asked for, and drained DEKs. A key
/// that is needed after all, or whose row was changed outside Rowseal, stays and is named.
Result<DestructionReport> DestroyDueKeys(Client& client, const Access& access = {});

}  // namespace rowseal
