#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <rowseal/client.h>

#include "client/active_dek.h"
#include "client/change.h"
#include "client/value_sealing.h"

namespace rowseal {

/// ValueSealer seals many values of one registered column, and opens each again before it gives it
/// out, because the plaintext will be overwritten. Not thread-safe.
class ValueSealer final {
 public:
  /// Make registers the column, or finds it registered. Errors: Client::AddColumn's.
  static Result<ValueSealer> Make(Client& client, const std::string& label, ContextKind context,
                                  const Access& access);

  /// Seal seals for a row; where the context is no cell, `row_key` does not count. Errors: as
  /// Client::SealValue, kInternal (the machine changed a byte).
  Result<std::string> Seal(const ProjectId& project, const std::vector<std::string>& row_key,
                           const SecretBytes& value);

  /// Open opens many values of a project; one audit entry stands for all.
  Result<Client::OpenedValues> Open(const ProjectId& project, std::vector<ValueToOpen> values,
                                    const Access& access);

  ContextKind context() const noexcept { return column_.context; }
  /// column_id is how the audit log names the column.
  ColumnId column_id() const noexcept { return column_.id; }

 private:
  struct KnownDek {
    ActiveDekOperation::Active active;
    std::chrono::steady_clock::time_point until;
  };

  ValueSealer(Client& client, ColumnRecord column) : client_(&client), column_(std::move(column)) {}
  Result<const ActiveDekOperation::Active*> FindDek(const StoreRead& store,
                                                    const ProjectId& project);

  Client* client_;
  ColumnRecord column_;
  std::map<ProjectId, KnownDek> deks_;
};

}  // namespace rowseal
