// What an outside project sees: the installed headers and one library.
#include <rowseal/rowseal.h>

#include <iostream>

int main() {
  const auto nonce = rowseal::Nonce96();
  if (!nonce) {
    std::cerr << nonce.error().message << '\n';
    return 1;
  }
  std::cout << rowseal::ErrorName(rowseal::ErrorCode::kIntegrity) << ' ' << nonce->size() << '\n';
}
