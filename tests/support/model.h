#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <rowseal/rowseal.h>

#include "support/soak.h"

namespace rowseal::testing {

/// Names are the projects, secrets and columns that random changes are about. Processes whose
/// projects and columns differ do not see each other's changes.
struct Names {
  std::vector<std::string> projects;
  std::vector<std::string> secrets;
  std::vector<std::string> columns;

  /// Prefixed gives three projects, five secrets and three columns.
  static Names Prefixed(const std::string& prefix);
};

/// Change is a call that changes a store, as data: what one process did, another one can know.
struct Change {
  enum class Call {
    kPut,
    kPutBatch,
    kRollback,
    kRename,
    kExpire,
    kDelete,
    kAddColumn,
    kRemoveColumn,
    kSeal,
    kRotateKek
  };
  struct Item {
    std::string name;
    std::string value;
    std::optional<SecretKind> kind;
    std::optional<Timestamp> expires_at;
    PutRule rule = PutRule::kCreateOrAddVersion;
  };

  Call call = Call::kPut;
  std::string project;
  std::string name;  // of a secret or a column
  std::string new_name;
  std::vector<Item> items;  // kPut: one
  Batch batch = Batch::kEachAlone;
  std::optional<SecretVersion> version;
  std::optional<Timestamp> expires_at;
  ContextKind context = ContextKind::kField;
  std::vector<std::string> row;  // kSeal, of a cell
  std::string value;             // kSeal
};

/// AnyChange makes a random change of anything that `names` names; what expires does so within
/// 100 s from `now`.
Change AnyChange(Random& random, const Names& names, Timestamp now);

/// Performed is what a change gave.
struct Performed {
  std::string outcome;  // the same text for the same outcome
  std::string sealed;   // kSeal: what the app now holds
};

/// Perform carries a change out.
Performed Perform(Client& client, const Change& change);

/// SealedInApp is a value that an app holds in a column of its own.
struct SealedInApp {
  std::string project;
  std::string label;
  std::vector<std::string> row;
  std::string text;
  std::string value;
};

/// Model is a store in a few maps, and what the app holds: the oracle.
class Model final {
 public:
  struct Version {
    std::string value;
    std::optional<Timestamp> expires_at;
  };
  struct Secret {
    SecretKind kind = SecretKind::kWorkflow;
    std::int64_t next_version = 1;
    std::map<std::int64_t, Version> versions;
  };
  struct Column {
    ContextKind context = ContextKind::kField;
    bool active = true;
  };

  explicit Model(Names names) : names_(std::move(names)) {}

  /// Apply makes the change and says which outcome it has to have.
  std::string Apply(const Change& change, Timestamp now);

  /// Hold remembers what a change sealed, if it did.
  void Hold(const Change& change, std::string sealed);

  /// Find gives a secret, or nothing.
  const Secret* Find(const std::string& project, const std::string& name) const;
  const std::map<std::string, Secret>& Secrets(const std::string& project) const;
  const Column* FindColumn(const std::string& label) const;
  std::size_t rotations() const noexcept { return rotations_; }
  const std::vector<SealedInApp>& sealed() const noexcept { return sealed_; }

  /// State is everything that a user could see at `now`: each secret with its kind, versions,
  /// values and expiries; the columns.
  std::string State(Timestamp now) const;

 private:
  std::optional<ErrorCode> PutFails(const std::string& project, const Change::Item& item) const;
  std::string ApplyPut(const std::string& project, const Change::Item& item);
  std::string ApplyBatch(const Change& change);
  std::string ApplyRollback(const Change& change, Timestamp now);
  std::string ApplyRename(const Change& change);
  std::string ApplyExpire(const Change& change);
  std::string ApplyColumn(const Change& change);

  Names names_;
  std::map<std::string, std::map<std::string, Secret>> projects_;
  std::map<std::string, Column> columns_;
  std::vector<SealedInApp> sealed_;
  std::size_t rotations_ = 0;
};

/// StateOf is the same text, read from a store through `client`.
std::string StateOf(Client& client, const Names& names);

/// ExpectOpens opens what the app holds.
void ExpectOpens(Client& client, const SealedInApp& sealed);

}  // namespace rowseal::testing
