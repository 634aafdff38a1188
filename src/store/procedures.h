#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace rowseal {

/// What each procedure takes ($1 …, in this order) and gives, on every store. Arrays have one
/// element for each item, and rows come in the items' order. Ids are canonical text, times µs UTC.
///
/// A call may be carried out a second time with the same parameters, because the answer to the
/// first was lost: it changes nothing more and answers alike. Where an entry of the log is written,
/// its id tells a repetition from another call.
///
/// DEK columns: id, kek_id, purpose, suite, state, revision, check_value, wrapped_key, row_tag,
/// created_at, and the revision and row_tag of its KEK.
///
/// kSecretGet, kSecretPut and kValuePrepare refuse a project that stands in `retired_project` with
/// kRefusedByState and kRetiredHint.
///
/// kTrustLoad ()
///   Rows of `installation`, `root_key`, `kek`, `kek_wrapping` of one moment, each with the table's
///   name first (see store/trust_rows.cpp for the columns).
///
/// kSecretGet (project, names[], versions[], entry_id, at, actor, reason, action)
///   version 0 is the newest. A row an item: secret id, kind, next_version, version, expires_at,
///   created_at, nonce, encrypted_data, DEK columns. An unknown secret is one NULL, an unknown
///   version is NULL in `version`. Writes the audit entry.
///
/// kSecretPut (project, names[], kinds[], secret_ids[], versions[], dek_ids[], nonces[],
///             encrypted_data[], expires_at[], write_macs[], entry_id, at, actor, reason, action,
///             all_or_none)
///   Stores an item when the secret stands as the item was sealed for (version 1: it does not
///   exist; otherwise id, kind and next_version are equal) and the DEK is active. A row an item:
///   outcome, then the secret's id, kind and next_version as found (NULL when it did not exist).
///   With all_or_none = 1 nothing is stored unless every outcome is `stored`. Writes the audit
///   entry and an item for each stored version.
///
/// kDekActive (project, purpose): DEK columns, or no row.
///
/// kDekInsert (project, id, kek_id, purpose, suite, check_value, wrapped_key, row_tag)
///   Inserts an active DEK, created at the store's time, unless one is there or the KEK is not
///   active; gives kDekActive's row.
///
/// kValuePrepare (project, label, dek_ids[], entry_id, at, actor, reason, action)
///   First a row of `sealed_column` (kColumnColumns of store/trust_rows.h) or one NULL. Then, for
///   no ids: the active `value` DEK or one NULL, and no entry is written; for ids: the DEK columns
///   of each, or one NULL, and the audit entry is written.
///
/// kAuditAppend (project, entry_id, at, actor, reason, action, outcome, object): no row.
///
/// kClock (): one row with the store's time. Ages, due dates and leases go by it, so that machines
/// whose clocks differ agree.
///
/// kStoreFormat (): the format of the store's tables, and 1 when an installation, a root or a KEK
///   stands in them, else 0: where only some are left, rows were removed.
///
/// kSecretList (project, after, limit)
///   The secrets behind the name `after`, by name: name, kind, id, newest version, number of
///   versions, expires_at of the newest, created_at of the secret and of the newest version.
///
/// kSecretVersions (project, name)
///   The kept versions, newest first: version, expires_at, created_at, created_by.
///
/// kSecretLock (project, name): id and next_version, or no row. Until the transaction ends nobody
///   else changes the secret.
///
/// kSecretVersionRead (project, secret_id, version)
///   secret id, name, kind, version, expires_at, nonce, encrypted_data, DEK columns; or no row.
///   Until the transaction ends nobody else changes the version.
///
/// kSecretReseal (project, secret_ids[], versions[], dek_ids[], nonces[], encrypted_data[],
///                expires_at[], old_nonces[], write_macs[], entry_id)
///   Writes versions sealed again, each where the row still holds the old nonce and the DEK is
///   active, with its item in the log. A row an item: 1 when it was written, else 0.
///
/// kSecretRename (project, secret_id, name), kSecretDelete (project, secret_id): no row. In a
///   transaction that holds the secret's lock.
///
/// kDekRewrap (projects[], ids[], kek_id, wrapped_keys[], old_kek_ids[])
///   Puts DEKs wrapped anew under a KEK, each where it still is under the old one. No row;
///   `changed` counts them.

inline constexpr std::string_view kPutStored = "stored";
inline constexpr std::string_view kPutConflict = "conflict";
inline constexpr std::string_view kPutNoDek = "no_dek";

inline constexpr const char* kRetiredHint =
    "rowseal project retire --cancel calls a retirement off; one that is gone from the app's"
    " projects table is used again once it is inserted there";

/// kNoExpiry stands for NULL in an array of expiry times.
inline constexpr std::int64_t kNoExpiry = std::numeric_limits<std::int64_t>::min();

}  // namespace rowseal
