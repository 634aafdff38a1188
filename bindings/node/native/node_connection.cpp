#include "node_connection.h"

#include "values.h"

namespace rowseal::node {

Result<Rows> NodeConnection::Execute(const Statement& statement) {
  const Within within = in_transaction_ ? Within::kAppTransaction : Within::kOwnTransaction;
  auto query = std::make_shared<Query>(MakeQuery(statement, within));
  Worker::Answered answered =
      worker_.Ask([query, is_maintenance = statement.procedure == Procedure::kSql](
                      Napi::Env env, const Napi::Function& handler) {
        Napi::Object question = QueryValue(env, std::move(*query));
        SetOwn(question, "op", "query");
        SetOwn(question, "maintenance", is_maintenance);
        handler.Call({question});
      });
  if (!answered) {
    return tl::unexpected(std::move(answered).error().error);
  }
  return std::move(*answered).Read();
}

Worker::Answered NodeConnection::AskFor(const char* op, const std::string& text) {
  return worker_.Ask([op, text](Napi::Env env, const Napi::Function& handler) {
    Napi::Object question = Napi::Object::New(env);
    SetOwn(question, "op", op);
    SetOwn(question, "text", text);
    handler.Call({question});
  });
}

Result<void> NodeConnection::Begin(TransactionKind kind) {
  Worker::Answered begun = AskFor("begin", std::string(BeginSql(kind)));
  if (!begun) {
    return tl::unexpected(std::move(begun).error().error);
  }
  in_transaction_ = true;
  const Result<Rows> marks = std::move(*begun).Read();
  if (!marks) {
    Rollback();
    return tl::unexpected(marks.error());
  }
  transaction_id_ = marks->rows.empty() ? std::string() : TextAt(marks->rows.front(), 0);
  timeline_ = marks->rows.empty() ? std::string() : TextAt(marks->rows.front(), 1);
  return {};
}

Result<void> NodeConnection::Commit() {
  Worker::Answered committed = AskFor("commit", "COMMIT");
  in_transaction_ = false;
  if (committed) {
    return {};
  }
  ServerError failure = std::move(committed).error();
  if (failure.failure != ServerFailure::kGone || transaction_id_.empty()) {
    return tl::unexpected(std::move(failure.error));
  }
  // The answer was lost: another connection of the app's knows what became of it.
  const Result<Rows> status =
      Execute(Statement::Sql(kTransactionStatusSql, {std::string(transaction_id_)}));
  const bool is_same_server =
      status && status->rows.size() == 1 && TextAt(status->rows.front(), 1) == timeline_;
  if (is_same_server) {
    const std::string became = TextAt(status->rows.front(), 0);
    if (became == "committed") {
      return {};
    }
    if (became == "aborted") {
      return Fail(ErrorCode::kUnavailable, "the server ended before it committed",
                  "nothing was changed; retry");
    }
  }
  return Fail(ErrorCode::kInDoubt, "the answer to a commit was lost",
              "read before you write again");
}

void NodeConnection::Rollback() noexcept {
  if (in_transaction_) {
    in_transaction_ = false;
    AskFor("rollback", "ROLLBACK");
  }
}

}  // namespace rowseal::node
