// What an outside project sees: the installed headers and one library. It makes a store in the
// folder given, puts a secret there and gets it back.
#include <rowseal/rowseal.h>

#include <iostream>

namespace {

rowseal::Result<std::string> PutAndGet(const std::string& folder) {
  rowseal::StoreOptions options;
  options.store = "sqlite:" + folder + "/secrets.db";
  options.roots = {"file:" + folder + "/root.key"};
  options.client.actor = "outside";
  ROWSEAL_TRY(rowseal::InitStore(options));
  ROWSEAL_ASSIGN(rowseal::Client client, rowseal::OpenStore(options));
  ROWSEAL_ASSIGN(const auto project, rowseal::ProjectId::Parse("1"));
  ROWSEAL_ASSIGN(const auto name, rowseal::SecretName::Parse("STRIPE_WEBHOOK"));

  rowseal::PutItem item{.name = name, .value = rowseal::AsBytes("whsec_outside")};
  item.kind = rowseal::SecretKind::kWebhook;
  ROWSEAL_TRY(client.Put(project, item));
  ROWSEAL_ASSIGN(const rowseal::Secret secret, client.Get(project, name));
  return std::string(rowseal::AsText(secret.value.Reveal()));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: outside FOLDER\n";
    return 2;
  }
  const auto nonce = rowseal::Nonce96();
  const auto value = PutAndGet(arguments[1]);
  if (!nonce || !value) {
    std::cerr << (nonce ? value.error().message : nonce.error().message) << '\n';
    return 1;
  }
  std::cout << rowseal::ErrorName(rowseal::ErrorCode::kIntegrity) << ' ' << nonce->size() << ' '
            << *value << '\n';
}
