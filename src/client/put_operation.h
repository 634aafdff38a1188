#pragma once

#include <optional>
#include <vector>

#include <rowseal/client.h>
#include <rowseal/operation.h>

#include "client/active_dek.h"
#include "client/session.h"
#include "store/calls/secret_put.h"

namespace rowseal {

/// PutOperation stores values of one project: one statement when the next versions are known (new
/// secrets, or seen before), else two. When another writer was first, it seals again for the
/// version that is next now.
class PutOperation final : public Operation {
 public:
  /// The items' values are views that live until the operation is done.
  PutOperation(Session& session, const ProjectId& project, const std::vector<PutItem>& items,
               Batch batch, Access access, std::string_view action = "put");

  /// OnlyInto ties the one item to the secret that its value was read from: where that secret was
  /// deleted or renamed meanwhile, nothing is stored and the item fails with kNotFound. Called
  /// before the first Next.
  void OnlyInto(SecretId secret);

  /// RunWithin says whose transaction the statements join. Called before the first Next.
  void RunWithin(Within within) noexcept { within_ = within; }

  std::optional<Statement> Next() override;
  void Feed(Result<Rows> outcome) override;
  Result<std::vector<Result<StoredSecret>>> Take() &&;

 private:
  enum class Step : std::uint8_t { kFindDek, kStore, kDone };

  // An item that is not settled yet, and what it is sealed for.
  struct Pending {
    std::size_t item;
    SecretHead head;
    bool exists = false;
    SecretHead stored{};  ///< as the secret stands when this is stored
    std::optional<Error> refused{};
  };

  void FinishWith(Error error);
  void TakeActiveDek();
  Result<Statement> MakeStatement();
  void FeedPut(Rows answer);
  Result<void> SettleConflict(Pending& pending, const std::optional<SecretHead>& found);
  void RefuseItem(std::size_t item, Error error);
  Result<void> CheckItems() const;

  Session& session_;
  const ProjectId project_;
  const std::vector<PutItem>& items_;
  const Batch batch_;
  const Access access_;
  const std::string action_;
  std::optional<SecretId> only_into_;
  Within within_ = Within::kOwnTransaction;

  Step step_ = Step::kFindDek;
  int rounds_ = 0;
  std::optional<ActiveDekOperation> find_dek_;
  std::optional<ActiveDekOperation::Active> active_;
  std::shared_ptr<const SecretPut::Request> asked_;
  std::vector<Pending> pending_;
  std::vector<std::optional<Result<StoredSecret>>> settled_;
  std::optional<Error> failure_;
};

}  // namespace rowseal
