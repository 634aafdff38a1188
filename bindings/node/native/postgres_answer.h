#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <napi.h>

#include <rowseal/rowseal.h>

namespace rowseal::node {

/// RawAnswer is what `pg` answered, copied out of JavaScript and not yet read.
struct RawAnswer {
  /// LongCell is a cell in pieces, because joining them takes a while.
  struct LongCell {
    std::size_t row = 0;
    std::size_t column = 0;
    std::vector<std::string> pieces;
  };

  std::vector<std::uint32_t> types;
  std::vector<PostgresCells> rows;
  std::vector<LongCell> long_cells;
  std::int64_t changed = 0;

  /// Read gives the rows of the answer; any thread. Errors: ReadPostgresRows's.
  Result<Rows> Read() &&;
};

/// AnswerGatherer takes an answer in parts, because a large one would hold the event loop.
class AnswerGatherer final {
 public:
  /// (text, isLast) is a part of a cell that is too long for one turn of the loop.
  void AddPiece(const Napi::CallbackInfo& info);
  /// (rows) adds rows of cells: text, null, or `true` in place of the next cell given in pieces.
  void AddRows(const Napi::Value& rows);
  /// (`{types, rows, changed}`) adds the last rows and gives all.
  RawAnswer Finish(const Napi::Value& answer);

 private:
  RawAnswer raw_;
  std::size_t long_cells_placed_ = 0;
  bool cell_is_open_ = false;
};

/// Query is a statement as `pg` takes it.
struct Query {
  PostgresCall call;
  bool changes = false;
};

/// MakeQuery needs no event loop; QueryValue makes `{text, values, changes}` of it.
Query MakeQuery(const Statement& statement, Within within);
Napi::Object QueryValue(Napi::Env env, Query query);

}  // namespace rowseal::node
