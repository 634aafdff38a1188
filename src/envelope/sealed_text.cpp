#include "envelope/sealed_text.h"

namespace rowseal {
namespace {

constexpr std::string_view kPrefix = "rs1.";
// A header of 43 bytes alone is 58 digits; what is shorter cannot be a damaged value either.
constexpr std::size_t kFewestDigits = 58;

bool IsDigit(char character) noexcept {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '-' || character == '_';
}

}  // namespace

std::vector<SealedSpan> FindSealedValues(std::string_view text) {
  std::vector<SealedSpan> found;
  for (std::size_t at = text.find(kPrefix); at != std::string_view::npos;) {
    std::size_t end = at + kPrefix.size();
    while (end < text.size() && IsDigit(text[end])) {
      ++end;
    }
    const bool begins = at == 0 || !IsDigit(text[at - 1]);
    if (begins && end - at >= kPrefix.size() + kFewestDigits) {
      found.push_back({at, end - at});
    }
    at = text.find(kPrefix, end);
  }
  return found;
}

}  // namespace rowseal
