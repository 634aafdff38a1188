#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/lifecycle.h>
#include <rowseal/passphrase.h>
#include <rowseal/secret_bytes.h>
#include <rowseal/states.h>

namespace rowseal {

/// Roots open the KEKs of a scope, each by itself: `default`, or one project that brings its own.
/// Several roots of a scope are spares of each other; adding or removing one rewrites a few rows
/// and no secret. Threads: any; each call has the client's connection to itself while it runs.

struct RootSummary {
  RootId id;
  std::string uri;
  std::string scope;
  std::string fingerprint;             ///< 8 hexadecimal digits
  KeyState state = KeyState::kActive;  ///< active, or compromised
  bool configured = false;             ///< whether this process holds the root
  bool wraps_only = false;  ///< its private key is elsewhere: it recovers, and opens nothing here
  std::vector<KekId> keks;  ///< that it opens
  std::int64_t scope_keks = 0;  ///< KEKs of its scope
  std::string if_lost;          ///< what its loss would mean, as the rows stand
  Timestamp created_at;
};

/// ListRoots lists the roots by id. Errors: the client's.
Result<std::vector<RootSummary>> ListRoots(Client& client);

struct NewRootOptions {
  std::string uri;
  std::string scope = "default";  ///< or a project
  AskPassphrase ask_passphrase{};
};

struct AddedRoot {
  RootId id;
  std::string uri;
  std::string fingerprint;  ///< 8 hexadecimal digits
  std::string scope;
  std::vector<KekId> keks;            ///< that it opens
  bool proven = true;                 ///< false: it wraps only, so nothing was opened with it
  std::optional<KekId> made_kek;      ///< of a project that had no root of its own
  std::int64_t rewrapped = 0;         ///< DEKs of that project, now under that KEK
  std::vector<std::string> failures;  ///< DEKs that do not open and stay under the old KEK
};

/// AddRoot wraps every KEK of a scope (deactivated ones, and for `default` the integrity key, too)
/// for another root, opens each again with it, and holds the root in this client. A project's first
/// root makes a KEK of its own, under which the project's DEKs are wrapped from then on: what opens
/// them is that root alone. Errors: NewRoot's of the URI, kConflict (the root is there already),
/// kRootKeyMissing (a KEK of the scope does not open here), kNotFound (no such project), the
/// provider's.
Result<AddedRoot> AddRoot(Client& client, const NewRootOptions& root, const Access& access = {});

/// RootChange says whether a change is carried out or only judged.
enum class RootChange : std::uint8_t { kCarryOut, kOnlyJudge };

struct RemovedRoot {
  RootSummary root;            ///< as it stood
  std::vector<RootId> proven;  ///< other roots of its scope that opened every KEK just now
};

/// RemoveRoot deletes a root with its wrappings. That is no revocation: whoever has the root and an
/// older copy of the store opens what that copy holds. Errors: kNotFound, kRefusedByState (no other
/// root of the scope was proven to open every KEK here: it is the last).
Result<RemovedRoot> RemoveRoot(Client& client, RootId root, RootChange change,
                               const Access& access = {});

struct ReplacedRoot {
  AddedRoot added;
  RemovedRoot removed;
};

/// ReplaceRoot adds a root to the scope of another one and removes that one, in one transaction.
/// Errors: AddRoot's and RemoveRoot's.
Result<ReplacedRoot> ReplaceRoot(Client& client, RootId old_root, const NewRootOptions& root,
                                 const Access& access = {});

struct CompromisedRoot {
  RootSummary root;            ///< as it stood
  std::vector<RootId> proven;  ///< other roots of its scope that opened every KEK just now
  std::int64_t projects = 0;   ///< whose secrets it opened
  /// The KEK's rotation; nothing when only judged, or when an earlier call had rotated already.
  std::optional<RotationReport> kek_rotation;
  DekRotation dek_rotation;  ///< its jobs, and the KEK rotation's, are to be run with RunJobs
};

/// MarkRootCompromised takes a root's wrappings away, gives its scope a fresh KEK that the root
/// never opened, rewraps the DEKs, gives every project of the scope fresh DEKs and starts the jobs
/// that reseal. A second call goes on with what a first one left. What it cannot undo: copies of
/// the store that were made before open with the root, and the integrity key stays, because format
/// 1 cannot rotate it. Errors: RemoveRoot's, RotateKek's.
Result<CompromisedRoot> MarkRootCompromised(Client& client, RootId root, RootChange change,
                                            const Access& access = {});

struct NewRecoveryKey {
  std::string uri;          ///< `recovery:PUBLIC-KEY`, for AddRoot
  std::string fingerprint;  ///< 8 hexadecimal digits
};

/// CreateRecoveryKey makes a key pair. The private key goes to a new file (mode 0600, never
/// overwritten), under a passphrase; it belongs offline. Errors: kInvalidArgument (a passphrase
/// under kMinPassphraseSize), kConflict (the file exists), the file system's.
Result<NewRecoveryKey> CreateRecoveryKey(const std::string& path, const SecretBytes& passphrase);

/// kDrillEvery is how often somebody should see that a recovery would work; doctor warns after it.
inline constexpr std::chrono::days kDrillEvery{90};

struct RecoveryDrill {
  RootId root;
  std::int64_t keks = 0;           ///< opened by the private key alone
  std::optional<std::string> dek;  ///< `DEK … of project '…'`, opened below them; none: no DEK yet
  std::optional<Timestamp> before;  ///< the drill before this one
};

/// DrillRecovery opens every KEK of scope `default`, and a DEK, with the recovery key alone, and
/// notes the date in the audit log. `client` was opened by OpenStoreForRecovery. Errors:
/// kRootKeyMissing (no recovery key is held), kIntegrity, the store's.
Result<RecoveryDrill> DrillRecovery(Client& client, const Access& access = {});

/// LastDrill gives the date of a recovery root's last drill.
Result<std::optional<Timestamp>> LastDrill(Connection& connection, RootId root);

}  // namespace rowseal
