#pragma once

#include <string>
#include <vector>

#include "client/active_dek.h"
#include "client/session.h"
#include "envelope/sealed_value.h"

namespace rowseal {

/// ValuePlace is where a value stands in the app's tables.
struct ValuePlace {
  ProjectId project;
  ColumnLabel label;
  std::vector<std::string> row_key;
};

/// CheckRowKey: a cell's context holds the row's key, no other does. Errors: kInvalidArgument.
Result<void> CheckRowKey(const ColumnRecord& column, const std::vector<std::string>& row_key);

/// Proof says whether a sealed value is opened again, because it will replace the only other copy.
enum class Proof : std::uint8_t { kNone, kOpenedAgain };

/// SealValueAt seals a value for its place, as `rs1.…`. Errors: as SealPadded and SealProven.
Result<std::string> SealValueAt(Session& session, const ValuePlace& place,
                                const ColumnRecord& column, ByteView value,
                                const ActiveDekOperation::Active& active, FreshNonces& nonces,
                                Proof proof = Proof::kNone);

/// OpenDekOfValues opens the DEK that values name. `label` is for messages; `began` is the moment
/// of the operation's beginning. Errors: kIntegrity, kRefusedByState.
Result<std::shared_ptr<const Dek>> OpenDekOfValues(Session& session, const ColumnLabel& label,
                                                   const DekAndKek& dek, OpenFor purpose,
                                                   SeenRows::Moment began);

/// OpenValueAt opens a value in its place, under the DEK that it names. Errors: kIntegrity.
Result<SecretBytes> OpenValueAt(Session& session, const ValuePlace& place,
                                const ColumnRecord& column, const SealedValue& value,
                                const Dek& dek);

/// ResealValueAt seals a value again under the active DEK, proven. Errors: OpenValueAt's,
/// SealValueAt's.
Result<std::string> ResealValueAt(Session& session, const ValuePlace& place,
                                  const ColumnRecord& column, const SealedValue& value,
                                  const DekAndKek& dek, const ActiveDekOperation::Active& active);

}  // namespace rowseal
