#pragma once

#include <memory>
#include <string>

#include <rowseal/connection.h>

#include "store/columns.h"

/// A call is a procedure that a store carries out whole. Each has a file in this folder: a struct
/// with the members
///
///     kProcedure, kName   its number here and its name in SQL
///     kEffect             what it leaves in the store
///     Request             what it is asked; FieldsOf(Request) are its parameters, in their order
///     Row                 a row that it gives; FieldsOf(Row) are the columns (void: none)
///     Answer              what Decode makes of the rows
///
/// and a function Decode, which compares the rows with the request they answer: their number and
/// order, ids, versions, types, NULLs and sizes. The store is not trusted: whoever can replace a
/// table or a function may answer another question.
///
/// Arrays have one element for each item, and rows come in the items' order. Ids are canonical
/// text, times are microseconds since 1970-01-01 UTC. A call may be carried out a second time with
/// the same request, because the answer to the first was lost: it changes nothing more and answers
/// alike. Where an entry of the log is written, its id tells a repetition from another call.

namespace rowseal {

/// Effect is what a call leaves in the store. kLogsRead: an entry that says that something was
/// read; on PostgreSQL such a call is told whether it is a transaction of its own.
enum class Effect : std::uint8_t { kNone, kLogsRead, kChanges };

/// LogEntry are the parameters of a call that writes an entry of the log.
struct LogEntry {
  EntryId id{};
  Timestamp at{};
  std::string actor;
  std::string reason;
  std::string action;
};

constexpr auto FieldsOf(const LogEntry*) {
  return std::tuple{Field("entry", &LogEntry::id), Field("at", &LogEntry::at),
                    Field("actor", &LogEntry::actor), Field("reason", &LogEntry::reason),
                    Field("action", &LogEntry::action)};
}

/// kSomeMacBytes: a MAC that is cut or too long is one that differs, and is said to.
inline constexpr Limits kSomeMacBytes{0, 41};

/// ROWSEAL_MAC_COLUMNS are what LastWrite reads, of a table by the alias that stands for it.
/// SQLite's substr makes NULL of no bytes, and a MAC of no bytes is one that differs.
#define ROWSEAL_MAC_COLUMNS(alias) \
  alias ".write_count, coalesce(substr(" alias ".mac, 1, 41), " alias ".mac)"

/// LastWrite is what stands beside a row: how often it was written, and the MAC of the last time.
struct LastWrite {
  std::int64_t count = 0;
  Bytes mac;
};

/// SecretHead is a secret as it stands in the store. A claim, until its MAC was compared.
struct SecretHead {
  SecretId id;
  SecretKind kind = SecretKind::kWorkflow;
  SecretVersion next_version{1};
  SecretVersion lowest_version{1};
  Timestamp created_at{};
  std::string attributes;
  std::optional<LastWrite> written;  ///< none: its MAC is gone
};

constexpr auto FieldsOf(const LastWrite*) {
  return std::tuple{Field("write_count", &LastWrite::count, {1, kMostNumber}),
                    Field("mac", &LastWrite::mac, kSomeMacBytes)};
}
constexpr auto FieldsOf(const SecretHead*) {
  return std::tuple{Field("secret_id", &SecretHead::id),
                    Field("kind", &SecretHead::kind),
                    Field("next_version", &SecretHead::next_version, {2, kMostNumber}),
                    Field("lowest_version", &SecretHead::lowest_version),
                    Field("created_at", &SecretHead::created_at),
                    Field("attributes", &SecretHead::attributes),
                    Part(&SecretHead::written)};
}

/// kNonceBytes and kSealedBytes bound what a version holds: 16 MiB of value, its padding, a tag.
inline constexpr Limits kNonceBytes = Exactly(24);
inline constexpr Limits kSealedBytes{16, 16LL * 1024 * 1024 + 64 + 16};

inline constexpr const char* kRetiredHint =
    "rowseal project retire --cancel calls a retirement off; one that is gone from the app's"
    " projects table is used again once it is inserted there";

/// WrongAnswer is kIntegrity: a store answered something else than the call `name` was asked.
tl::unexpected<Error> WrongAnswer(std::string_view name, std::string_view object,
                                  std::string_view what);
tl::unexpected<Error> WrongAnswer(std::string_view name, std::string_view object,
                                  const Defect& defect);

/// CheckCount compares the number of rows with the number asked for. Errors: kIntegrity.
Result<void> CheckCount(std::string_view name, const Rows& rows, std::size_t asked);

/// Encode makes a call's statement, which shares the request with the caller.
template <class Request>
Statement Encode(std::shared_ptr<const Request> request) {
  Statement statement;
  statement.procedure = Request::Call::kProcedure;
  statement.request = std::move(request);
  statement.encode = [](const void* asked) {
    return ParamsOf(*static_cast<const Request*>(asked));
  };
  return statement;
}

/// Ask carries a call out on a connection that blocks.
template <class Request>
Result<typename Request::Call::Answer> Ask(Connection& connection, Request request) {
  const auto asked = std::make_shared<const Request>(std::move(request));
  ROWSEAL_ASSIGN(Rows rows, connection.Execute(Encode(asked)));
  return Decode(*asked, std::move(rows));
}

/// Asked gives what a statement made by Encode asks.
template <class Call>
const typename Call::Request& Asked(const Statement& statement) {
  return *static_cast<const typename Call::Request*>(statement.request.get());
}

/// DecodeRow reads a whole row. Errors: kIntegrity, naming the call, the object and the field.
template <class Call>
Result<typename Call::Row> DecodeRow(Row& cells, std::string_view object) {
  auto row = Blank<typename Call::Row>();
  if (const Defect defect = ReadWholeRow(cells, row)) {
    return WrongAnswer(Call::kName, object, defect);
  }
  return row;
}

/// DecodeOnlyRow reads the row of an answer that has exactly one.
template <class Call>
Result<typename Call::Row> DecodeOnlyRow(Rows& rows, std::string_view object) {
  ROWSEAL_TRY(CheckCount(Call::kName, rows, 1));
  return DecodeRow<Call>(rows.rows.front(), object);
}

/// DecodeNothing compares the answer to a call that gives nothing: no row, or one NULL.
Result<void> DecodeNothing(std::string_view name, const Rows& rows);

}  // namespace rowseal
