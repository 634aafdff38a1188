#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <napi.h>

#include <rowseal/rowseal.h>

namespace rowseal::node {

/// HotCall is a call that JavaScript started: what makes its operation, and what makes JavaScript's
/// values of its outcome, an item at a time.
class HotCall {
 public:
  virtual ~HotCall() = default;
  /// Begin makes the operation; any thread.
  virtual Result<void> Begin(Client& client) = 0;
  virtual Operation& operation() = 0;
  /// Take gives the number of items in the outcome; any thread.
  virtual Result<std::size_t> Take() = 0;
  /// ErrorAt gives null for an item that succeeded, whose value ValueAt makes, once.
  virtual const Error* ErrorAt(std::size_t item) const = 0;
  virtual Napi::Value ValueAt(Napi::Env env, std::size_t item) = 0;
};

template <class T>
std::vector<Result<T>> ItemsOf(std::vector<Result<T>> items) {
  return items;
}

template <class T>
std::vector<Result<T>> ItemsOf(T only) {
  std::vector<Result<T>> items;
  items.push_back(std::move(only));
  return items;
}

/// HotCallOf is a call whose outcome is a vector of items, each with its own error, or one value.
template <class Outcome>
class HotCallOf final : public HotCall {
 public:
  using Items = decltype(ItemsOf(std::declval<Outcome>()));
  using Item = typename Items::value_type::value_type;
  using BeginCall = std::function<Result<StartedCall<Outcome>>(Client&)>;
  using MakeValue = Napi::Value (*)(Napi::Env, Item&);

  HotCallOf(BeginCall begin, MakeValue make_value)
      : begin_(std::move(begin)), make_value_(make_value) {}

  Result<void> Begin(Client& client) override {
    Result<StartedCall<Outcome>> started = begin_(client);
    if (!started) {
      return tl::unexpected(std::move(started).error());
    }
    call_.emplace(std::move(*started));
    return {};
  }
  Operation& operation() override { return *call_; }
  Result<std::size_t> Take() override {
    Result<Outcome> outcome = std::move(*call_).Take();
    call_.reset();
    if (!outcome) {
      return tl::unexpected(std::move(outcome).error());
    }
    items_ = ItemsOf(std::move(*outcome));
    return items_.size();
  }
  const Error* ErrorAt(std::size_t item) const override {
    return items_[item] ? nullptr : &items_[item].error();
  }
  Napi::Value ValueAt(Napi::Env env, std::size_t item) override {
    return make_value_(env, *items_[item]);
  }

 private:
  const BeginCall begin_;
  const MakeValue make_value_;
  std::optional<StartedCall<Outcome>> call_;
  Items items_;
};

}  // namespace rowseal::node
