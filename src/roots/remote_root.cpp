#include "roots/remote_root.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include "base/encoding.h"
#include "crypto/random.h"
#include "keys/ask_no_root.h"

namespace rowseal {

RemoteRoot::Waiting RemoteRoot::Waiting::Real() {
  return {[] { return std::chrono::steady_clock::now(); },
          [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }};
}

// Whether the breaker lets a call through.
Result<void> RemoteRoot::Enter() const {
  const std::lock_guard lock(mutex_);
  if (failures_ < limits_.failures_to_open) {
    return {};
  }
  if (waiting_.now() < closed_until_ || probing_) {
    return Fail(ErrorCode::kUnavailable,
                "root " + Printable(root_->uri()) + " did not answer lately and is not asked for " +
                    std::to_string(limits_.open_time.count()) + " ms",
                "retry later; another root of the store would stand in (rowseal root add)");
  }
  probing_ = true;  // one call finds out whether it is back
  return {};
}

void RemoteRoot::Leave(bool answered) const {
  const std::lock_guard lock(mutex_);
  probing_ = false;
  failures_ = answered ? 0 : failures_ + 1;
  if (failures_ >= limits_.failures_to_open) {
    closed_until_ = waiting_.now() + limits_.open_time;
  }
}

// "Full jitter": any time up to the bound that doubles. Without random bytes, the bound.
std::chrono::milliseconds RemoteRoot::Jitter(int attempts) const {
  const std::int64_t bound =
      std::min(limits_.longest_wait.count(), limits_.first_wait.count() << std::min(attempts, 20));
  std::array<std::uint8_t, 4> random{};
  if (!FillRandom(random)) {
    return std::chrono::milliseconds(bound);
  }
  std::uint32_t number = 0;
  std::memcpy(&number, random.data(), sizeof(number));
  return std::chrono::milliseconds(number % (bound + 1));
}

template <class Value>
Result<Value> RemoteRoot::Ask(const std::function<Result<Value>()>& attempt) const {
  ROWSEAL_TRY(AskNoRoot::Check());
  ROWSEAL_TRY(Enter());
  const Time give_up = waiting_.now() + limits_.total;
  for (int attempts = 0;; ++attempts) {
    Result<Value> answer = attempt();
    if (answer || answer.error().code != ErrorCode::kUnavailable) {
      Leave(true);
      return answer;
    }
    const std::chrono::milliseconds wait = Jitter(attempts);
    if (waiting_.now() + wait + limits_.attempt > give_up) {
      Leave(false);
      answer.error().message += " (" + std::to_string(attempts + 1) + " attempts)";
      return answer;
    }
    waiting_.sleep(wait);
  }
}

Result<Bytes> RemoteRoot::Wrap(const SecretBytes& wrapping_secret, ByteView context) const {
  return Ask<Bytes>([&] { return root_->Wrap(wrapping_secret, context); });
}

Result<SecretBytes> RemoteRoot::Unwrap(ByteView wrapped, ByteView context) const {
  ROWSEAL_TRY(AskNoRoot::Check());  // nor is another thread's question waited for
  const Question question{Bytes(wrapped.begin(), wrapped.end()),
                          Bytes(context.begin(), context.end())};
  std::unique_lock lock(mutex_);
  if (const auto under_way = flights_.find(question); under_way != flights_.end()) {
    const std::shared_ptr<Flight> flight = under_way->second;
    landed_.wait(lock, [&] { return flight->landed; });
    if (flight->result) {
      return flight->result->Clone();
    }
    return tl::unexpected(flight->result.error());
  }
  const auto flight = std::make_shared<Flight>();
  flights_.emplace(question, flight);
  lock.unlock();
  Result<SecretBytes> answer = Ask<SecretBytes>([&] { return root_->Unwrap(wrapped, context); });
  Result<SecretBytes> for_others = answer ? answer->Clone() : tl::unexpected(answer.error());
  lock.lock();
  flight->result = std::move(for_others);
  flight->landed = true;
  flights_.erase(question);
  lock.unlock();
  landed_.notify_all();
  return answer;
}

}  // namespace rowseal
