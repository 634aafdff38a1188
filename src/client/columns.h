#pragma once

#include <vector>

#include <rowseal/client.h>

#include "client/change.h"

namespace rowseal {

/// Registrations of the app's columns that hold sealed values. A row is tagged; its random id, not
/// its label, is bound into values, so that labels may change.

/// AddSealedColumn registers a label, makes a removed one active again, or gives one another
/// source; without `source` the one that is there stays. Errors: kConflict (another context),
/// kInvalidArgument.
Result<void> AddSealedColumn(Client& client, const ColumnLabel& label, ContextKind context,
                             const std::optional<ColumnSource>& source, const Access& access);
Result<void> RemoveSealedColumn(Client& client, const ColumnLabel& label, const Access& access);
/// ReadColumns reads and verifies all registrations; one that does not verify is named beside the
/// others.
Result<Listing<ColumnRecord>> ReadColumns(const TrustedRead& read);
/// AppendUnread names those among the columns whose values nothing finds: a label, or what the row
/// has in its place.
void AppendUnread(const std::vector<UnreadRow>& unreadable, std::vector<std::string>& columns);
/// ReadEveryColumn is for whoever decides by all of them. Errors: kIntegrity (one does not verify).
Result<std::vector<ColumnRecord>> ReadEveryColumn(const TrustedRead& read);

}  // namespace rowseal
