#include "postgres_answer.h"

#include "values.h"

namespace rowseal::node {
namespace {

// Beyond this, a parameter's memory is handed over: a copy would take a while.
constexpr std::size_t kLargestParameterCopy = 64U * 1024;

Napi::Value ParamValue(Napi::Env env, std::variant<Null, std::string, Bytes>& param) {
  if (const auto* text = std::get_if<std::string>(&param)) {
    return Napi::String::New(env, *text);
  }
  auto* const bytes = std::get_if<Bytes>(&param);
  if (bytes == nullptr) {
    return env.Null();
  }
  if (bytes->size() <= kLargestParameterCopy) {
    return Napi::Buffer<std::uint8_t>::Copy(env, bytes->data(), bytes->size());
  }
  auto* const kept = new Bytes(std::move(*bytes));
  return Napi::Buffer<std::uint8_t>::NewOrCopy(env, kept->data(), kept->size(),
                                               [kept](Napi::Env, std::uint8_t*) { delete kept; });
}

}  // namespace

Result<Rows> RawAnswer::Read() && {
  for (const LongCell& cell : long_cells) {
    std::size_t size = 0;
    for (const std::string& piece : cell.pieces) {
      size += piece.size();
    }
    std::string& text = rows[cell.row][cell.column].emplace();
    text.reserve(size);
    for (const std::string& piece : cell.pieces) {
      text += piece;
    }
  }
  return ReadPostgresRows(types, std::move(rows), changed);
}

void AnswerGatherer::AddPiece(const Napi::CallbackInfo& info) {
  if (!cell_is_open_) {
    raw_.long_cells.emplace_back();
  }
  raw_.long_cells.back().pieces.push_back(Text(info[0]));
  cell_is_open_ = !info[1].ToBoolean();
}

void AnswerGatherer::AddRows(const Napi::Value& rows) {
  const auto array = rows.As<Napi::Array>();
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const auto row = array.Get(i).As<Napi::Array>();
    const std::uint32_t columns = row.Length();
    PostgresCells& cells = raw_.rows.emplace_back();
    cells.reserve(columns);
    for (std::uint32_t column = 0; column < columns; ++column) {
      const Napi::Value cell = row.Get(column);
      if (cell.IsString()) {
        cells.emplace_back(Text(cell));
        continue;
      }
      cells.emplace_back(std::nullopt);
      if (cell.IsBoolean() && long_cells_placed_ < raw_.long_cells.size()) {
        RawAnswer::LongCell& long_cell = raw_.long_cells[long_cells_placed_++];
        long_cell.row = raw_.rows.size() - 1;
        long_cell.column = column;
      }
    }
  }
}

RawAnswer AnswerGatherer::Finish(const Napi::Value& answer) {
  const auto object = answer.As<Napi::Object>();
  const auto types = object.Get("types").As<Napi::Array>();
  for (std::uint32_t i = 0; i < types.Length(); ++i) {
    raw_.types.push_back(types.Get(i).As<Napi::Number>().Uint32Value());
  }
  AddRows(object.Get("rows"));
  raw_.changed = object.Get("changed").As<Napi::Number>().Int64Value();
  // A long cell that no row placed is an answer that was given up half-way.
  raw_.long_cells.resize(long_cells_placed_);
  return std::exchange(*this, AnswerGatherer()).raw_;
}

Query MakeQuery(const Statement& statement, Within within) {
  return {ToPostgresCall(statement, within), MayChangeRows(statement)};
}

Napi::Object QueryValue(Napi::Env env, Query query) {
  std::vector<std::variant<Null, std::string, Bytes>>& params = query.call.params;
  Napi::Array values = Napi::Array::New(env, params.size());
  for (std::uint32_t i = 0; i < params.size(); ++i) {
    values.Set(i, ParamValue(env, params[i]));
  }
  Napi::Object object = Napi::Object::New(env);
  SetOwn(object, "text", query.call.text);
  SetOwn(object, "values", values);
  SetOwn(object, "changes", query.changes);
  return object;
}

}  // namespace rowseal::node
