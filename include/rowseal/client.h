#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rowseal/column_source.h>
#include <rowseal/connection.h>
#include <rowseal/error.h>
#include <rowseal/ids.h>
#include <rowseal/listing.h>
#include <rowseal/observe.h>
#include <rowseal/operation.h>
#include <rowseal/secret_bytes.h>
#include <rowseal/started_call.h>
#include <rowseal/states.h>

namespace rowseal {

class RootProvider;

/// kMaxSecretSize is the largest value that is sealed: 16 MiB.
inline constexpr std::size_t kMaxSecretSize = 16U * 1024 * 1024;

/// Access is who asks and why; it goes to the audit log with every call.
struct Access {
  std::string actor;   ///< empty: the client's default actor
  std::string reason;  ///< free text; never put a secret here
};

/// Secret is an opened version of a secret.
struct Secret {
  SecretId id;
  SecretKind kind = SecretKind::kWorkflow;
  SecretVersion version;
  std::optional<Timestamp> expires_at;
  Timestamp created_at;
  SecretBytes value;
};

/// SecretRef asks for one secret of a project; without a version, for the newest. A version below 1
/// is kInvalidArgument, here and in every call that takes one.
struct SecretRef {
  SecretName name;
  std::optional<SecretVersion> version;
};

enum class PutRule : std::uint8_t {
  kCreateOrAddVersion,
  kCreateOnly,  ///< an existing secret is a conflict
};

/// PutItem is one value to store. Without a kind, an existing secret keeps its kind and a new one
/// becomes `workflow`; another kind than the existing one's is a conflict. `value` is a view: it
/// must live until the call returns.
struct PutItem {
  SecretName name;
  ByteView value;
  std::optional<SecretKind> kind;
  std::optional<Timestamp> expires_at;
  PutRule rule = PutRule::kCreateOrAddVersion;
};

/// OwnedPutItem is a PutItem that owns its value, which is held until the call ended and then
/// wiped.
struct OwnedPutItem {
  SecretName name;
  SecretBytes value;
  std::optional<SecretKind> kind{};
  std::optional<Timestamp> expires_at{};
  PutRule rule = PutRule::kCreateOrAddVersion;
};

/// ValueToSeal is one value of a column; `row_key` is as SealValue's.
struct ValueToSeal {
  SecretBytes value;
  std::vector<std::string> row_key{};
};

/// ValueToOpen is one sealed value of a column.
struct ValueToOpen {
  std::string sealed;
  std::vector<std::string> row_key{};
};

/// Batch says what a failed item does to the others.
enum class Batch : std::uint8_t {
  kEachAlone,  ///< every item succeeds or fails by itself
  kAllOrNone,  ///< if one item fails, nothing is stored; the others carry kConflict
};

struct StoredSecret {
  SecretId id;
  SecretVersion version;
};

/// SecretSummary is what a list shows: never a value.
struct SecretSummary {
  SecretName name;
  SecretKind kind = SecretKind::kWorkflow;
  SecretId id;
  SecretVersion newest;
  std::int64_t versions = 0;
  std::optional<Timestamp> expires_at;
  Timestamp created_at;
  Timestamp updated_at;
};

struct VersionSummary {
  SecretVersion version;
  std::optional<Timestamp> expires_at;
  Timestamp created_at;
  std::string created_by;
};

struct ColumnSummary {
  ColumnLabel label;
  ContextKind context = ContextKind::kField;
  ColumnState state = ColumnState::kActive;
  std::optional<ColumnSource> source;
  Timestamp created_at;
};

struct AuditEntry {
  std::string project;
  std::string id;
  Timestamp at;
  std::string actor;
  std::string reason;
  std::string action;  ///< `get`, `put`, `rename`, `kek.rotate`, …
  std::string
      outcome;  ///< `granted`, `done`, `not_found`, `conflict`, `integrity`, `refused_by_state`
  std::string object;  ///< ids: `<secret id>@<version>`, separated by spaces
};

enum class OnRollback : std::uint8_t { kRead, kRefuse };

struct ClientOptions {
  std::string actor;                     ///< the default actor; required
  std::shared_ptr<Observer> observer{};  ///< optional
  std::function<Timestamp()> clock{};    ///< optional; tests supply their own
  /// A folder of this machine's, outside what is restored with the store, where a file for each
  /// installation keeps how far its keys had come: so an older copy of a store is noticed. Empty:
  /// none is kept.
  std::string state_folder{};
  /// Names the store for the state folder: the first installation that is met there is the one that
  /// is expected from then on. OpenStore and OpenStoreFile fill it in. Empty: none is remembered.
  std::string store_place{};
  /// The installation that the store has to be, where the caller knows it.
  std::optional<InstallationId> installation{};
  /// What an older copy of the store, once noticed, still does: its values open, or nothing opens.
  /// Nothing is sealed and no key changes either way.
  OnRollback on_rollback = OnRollback::kRead;
};

/// Client puts and gets secrets and seals values. Secrets are sealed before anything reaches the
/// store and released only after the audit entry of the access has been committed.
///
/// Errors of every call: kUnavailable and kResourceExhausted (nothing was changed; retry),
/// kIntegrity (a stored byte is wrong; nothing is released), kRefusedByState (a key is suspended, a
/// version has expired), kInvalidArgument (values over kMaxSecretSize, reasons that are not UTF-8),
/// besides those named below.
///
/// Threads: any; calls on one client are serialised on its one connection.
class Client final {
 public:
  /// Connect verifies the store's trusted rows with the roots given here. `connection` belongs to a
  /// store that exists already. Errors: kRootKeyMismatch, kIntegrity.
  static Result<Client> Connect(std::unique_ptr<Connection> connection,
                                std::vector<std::shared_ptr<const RootProvider>> roots,
                                ClientOptions options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Get opens one secret. Errors: kNotFound.
  Result<Secret> Get(const ProjectId& project, const SecretName& name,
                     std::optional<SecretVersion> version = {}, const Access& access = {});

  /// GetBatch opens many secrets of a project in one statement; errors are each item's own. The
  /// outer error is the call's (store gone, nothing opened).
  Result<std::vector<Result<Secret>>> GetBatch(const ProjectId& project,
                                               const std::vector<SecretRef>& secrets,
                                               const Access& access = {});

  /// Put seals and stores one value as a new version. Errors: kConflict (another kind, or it exists
  /// and the rule is kCreateOnly).
  Result<StoredSecret> Put(const ProjectId& project, const PutItem& item,
                           const Access& access = {});

  /// PutBatch stores many values in one transaction; with Batch::kEachAlone, items whose secret
  /// another process changed meanwhile follow in further ones. Each name may stand there once.
  Result<std::vector<Result<StoredSecret>>> PutBatch(const ProjectId& project,
                                                     const std::vector<PutItem>& items, Batch batch,
                                                     const Access& access = {});

  /// List gives the summaries of a project's secrets in the order of their names, at most `limit`
  /// (1 to 10,000) behind `after` (empty: from the first). An unknown project has none.
  Result<Listing<SecretSummary>> List(const ProjectId& project, std::string_view after = {},
                                      std::int64_t limit = 1000);

  /// Versions gives a secret's kept versions, newest first. Errors: kNotFound.
  Result<Listing<VersionSummary>> Versions(const ProjectId& project, const SecretName& name);

  /// Rollback seals the value of an old version as a new version. Errors: kNotFound.
  Result<StoredSecret> Rollback(const ProjectId& project, const SecretName& name,
                                SecretVersion version, const Access& access = {});

  /// Rename gives a secret another name and reseals every kept version, in one transaction, because
  /// the name is bound to the ciphertext. Errors: kNotFound, kConflict (the new name is taken).
  Result<void> Rename(const ProjectId& project, const SecretName& name, const SecretName& new_name,
                      const Access& access = {});

  /// Expire sets or removes the expiry of one version (the newest without `version`) by resealing
  /// it. A version past its expiry is refused with kRefusedByState. Errors: kNotFound.
  Result<void> Expire(const ProjectId& project, const SecretName& name,
                      std::optional<SecretVersion> version, std::optional<Timestamp> expires_at,
                      const Access& access = {});

  /// Delete removes a secret with all versions, for good. A name created again gets a new id.
  /// Errors: kNotFound.
  Result<void> Delete(const ProjectId& project, const SecretName& name, const Access& access = {});

  /// AddColumn registers a column of the app's that holds sealed values. Registering the same label
  /// and context again changes nothing; a removed label becomes active again. With a source, a DEK
  /// rotation finds the column's values and seals them again; one that was given before is
  /// replaced. Errors: kConflict (the label has another context), kInvalidArgument (no such table
  /// or column).
  Result<void> AddColumn(const ColumnLabel& label, ContextKind context, const Access& access = {},
                         const std::optional<ColumnSource>& source = {});

  /// RemoveColumn stops sealing for a label; what was sealed still opens. Errors: kNotFound.
  Result<void> RemoveColumn(const ColumnLabel& label, const Access& access = {});

  Result<Listing<ColumnSummary>> Columns();

  /// SealValue seals a value for a registered column and returns `rs1.…` text. `row_key` is the
  /// row's primary key as canonical text, one element a key column: needed for ContextKind::kCell,
  /// refused for kField. Sealing never looks whether the value is sealed already. Errors: kNotFound
  /// (label).
  Result<std::string> SealValue(const ProjectId& project, const ColumnLabel& label, ByteView value,
                                const std::vector<std::string>& row_key = {},
                                const Access& access = {});

  /// OpenValue opens what SealValue returned. Errors: kNotFound (label), kIntegrity (not sealed,
  /// moved, damaged, or its key is gone).
  Result<SecretBytes> OpenValue(const ProjectId& project, const ColumnLabel& label,
                                std::string_view sealed,
                                const std::vector<std::string>& row_key = {},
                                const Access& access = {});

  /// SealValues and OpenValues seal or open many values of one column with one statement, and one
  /// audit entry for those that are opened; errors are each item's own. The outer error is the
  /// call's (store gone, no such label).
  using SealedValues = std::vector<Result<std::string>>;
  using OpenedValues = std::vector<Result<SecretBytes>>;
  Result<SealedValues> SealValues(const ProjectId& project, const ColumnLabel& label,
                                  const std::vector<ValueToSeal>& values,
                                  const Access& access = {});
  Result<OpenedValues> OpenValues(const ProjectId& project, const ColumnLabel& label,
                                  const std::vector<ValueToOpen>& values,
                                  const Access& access = {});

  /// StartGet, StartPut, StartSealValues and StartOpenValues begin the hot calls above for whoever
  /// carries statements by itself, such as an event loop: they do no I/O, several run at once on
  /// any threads, and all end before the client goes. Errors: those that show before a statement is
  /// made; the others come from the call.
  using Secrets = std::vector<Result<Secret>>;
  using Stored = std::vector<Result<StoredSecret>>;
  Result<StartedCall<Secrets>> StartGet(const ProjectId& project, std::vector<SecretRef> secrets,
                                        const Access& access = {},
                                        Within within = Within::kOwnTransaction);
  Result<StartedCall<Stored>> StartPut(const ProjectId& project, std::vector<OwnedPutItem> items,
                                       Batch batch, const Access& access = {},
                                       Within within = Within::kOwnTransaction);
  Result<StartedCall<SealedValues>> StartSealValues(const ProjectId& project,
                                                    const ColumnLabel& label,
                                                    std::vector<ValueToSeal> values,
                                                    const Access& access = {});
  Result<StartedCall<OpenedValues>> StartOpenValues(const ProjectId& project,
                                                    const ColumnLabel& label,
                                                    std::vector<ValueToOpen> values,
                                                    const Access& access = {});

  /// Run drives a started call to its end over the client's own connection.
  void Run(Operation& call);

  /// AuditLog gives a project's entries, newest first, at most `limit` (1 to 10,000).
  Result<Listing<AuditEntry>> AuditLog(const ProjectId& project, std::int64_t limit = 100);

  /// ForgetKeys wipes the opened KEKs and DEKs, which otherwise go when they were not used for ten
  /// minutes (DEKs; at the next call or `Maintain`) and with the client (KEKs). The next call opens
  /// what it needs. The integrity key and the roots stay: nothing can be verified without them.
  void ForgetKeys();

 private:
  friend class ClientInside;  // of Rowseal's own
  struct State;
  explicit Client(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace rowseal
