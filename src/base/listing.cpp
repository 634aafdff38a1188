#include <rowseal/listing.h>

namespace rowseal {

Result<void> CheckAllRead(const std::vector<UnreadRow>& unreadable) {
  if (unreadable.empty()) {
    return {};
  }
  std::string message = unreadable.front().row + ": " + unreadable.front().message;
  if (unreadable.size() > 1) {
    message += "; " + std::to_string(unreadable.size() - 1) + " more cannot be read";
  }
  return Fail(ErrorCode::kIntegrity, std::move(message), kUnreadHint);
}

}  // namespace rowseal
