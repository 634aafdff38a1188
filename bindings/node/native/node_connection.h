#pragma once

#include <memory>
#include <string>

#include <rowseal/rowseal.h>

#include "worker.h"

namespace rowseal::node {

/// NodeConnection is a Connection whose statements JavaScript carries out on the app's own `pg`
/// pool or client, while the worker's thread waits. JavaScript is called with one object:
/// `{op: 'query', text, values, changes, maintenance}`, `{op: 'begin', text}`, `{op: 'commit'}` or
/// `{op: 'rollback'}`, and answers each by `answer` or `refuse`. It tries again what may be tried
/// again, because it knows its connections.
class NodeConnection final : public Connection {
 public:
  explicit NodeConnection(Worker& worker) : worker_(worker) {}

  Result<Rows> Execute(const Statement& statement) override;
  Result<void> Begin(TransactionKind kind) override;
  Result<void> Commit() override;
  void Rollback() noexcept override;

 private:
  Worker::Answered AskFor(const char* op, const std::string& text);

  Worker& worker_;
  bool in_transaction_ = false;
  std::string transaction_id_;  // empty: it changes nothing
  std::string timeline_;        // of the server's log: another one after a failover
};

}  // namespace rowseal::node
