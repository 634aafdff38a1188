#include <rowseal/roots.h>

#include "base/encoding.h"
#include "client/change.h"
#include "keys/wrapping.h"
#include "lifecycle/root_rows.h"
#include "roots/recovery_key_file.h"
#include "roots/recovery_root.h"
#include "store/trust_rows.h"

namespace rowseal {
namespace {

constexpr std::string_view kDrillAction = "recovery.drill";

// The recovery root whose private key this process holds.
Result<const RootRecord*> HeldRecoveryRoot(Session& session, const TrustRows& rows) {
  for (const RootRecord& root : rows.roots) {
    const std::shared_ptr<const RootProvider> provider = session.keyring().Provider(root.id);
    if (root.uri.starts_with(kRecoveryScheme) && root.scope == kDefaultScope && provider &&
        provider->can_unwrap()) {
      return &root;
    }
  }
  return Fail(ErrorCode::kRootKeyMissing, "no private key of a recovery root was given",
              "give the file that `rowseal recovery keygen` wrote");
}

// A DEK under a KEK of the scope, the newest first: what was sealed last must open too.
Result<std::optional<DekRecord>> FindDek(Connection& connection) {
  static const std::string sql =
      DekQuery("WHERE k.scope = 'default' ORDER BY d.created_at DESC LIMIT 1");
  ROWSEAL_ASSIGN(Rows rows, connection.Execute(Statement::Sql(sql)));
  if (rows.rows.empty()) {
    return std::nullopt;
  }
  ROWSEAL_ASSIGN(DekAndKek read, ReadDekRow(rows.rows.front()));
  return std::move(read.dek);
}

// Opens a DEK by that root alone, whatever other roots the process holds.
Result<void> OpenWith(const TrustSet& trust, const DekRecord& dek, RootId root,
                      const RootProvider& provider) {
  ROWSEAL_TRY(trust.integrity->Verify(dek));
  const KekRecord* kek = trust.FindKek(dek.kek);
  for (const WrappingRecord& wrapping : trust.rows.wrappings) {
    if (kek != nullptr && wrapping.kek == dek.kek && wrapping.root == root) {
      ROWSEAL_ASSIGN(const Kek opened,
                     UnwrapKek(*kek, wrapping, trust.rows.installation.id, provider));
      ROWSEAL_TRY(UnwrapDek(dek, opened, trust.rows.installation.id));
      return {};
    }
  }
  return Fail(ErrorCode::kIntegrity,
              "KEK " + ToText(dek.kek) + " is not wrapped for root " + ToText(root));
}

}  // namespace

Result<NewRecoveryKey> CreateRecoveryKey(const std::string& path, const SecretBytes& passphrase) {
  ROWSEAL_ASSIGN(const std::shared_ptr<const RecoveryRoot> root,
                 CreateRecoveryKeyFile(path, passphrase));
  return NewRecoveryKey{std::string(root->uri()), ToHex(root->fingerprint()).substr(0, 8)};
}

Result<std::optional<Timestamp>> LastDrill(Connection& connection, RootId root) {
  ROWSEAL_ASSIGN(
      Rows rows,
      connection.Execute(Statement::Sql(
          "SELECT at FROM rowseal.audit_log WHERE project_id = $1 AND action = $2 AND object = $3"
          " ORDER BY id DESC LIMIT 1",
          {std::string(kSystemProject), std::string(kDrillAction), ToText(root)})));
  if (rows.rows.empty()) {
    return std::nullopt;
  }
  RowReader reader(rows.rows.front());
  const Timestamp at = reader.Time();
  ROWSEAL_TRY(reader.status());
  return at;
}

Result<RecoveryDrill> DrillRecovery(Client& client, const Access& access) {
  const auto drill = [](TrustedRead& read) -> Result<RecoveryDrill> {
    const TrustRows& rows = read.trust().rows;
    ROWSEAL_ASSIGN(const RootRecord* root, HeldRecoveryRoot(read.session(), rows));
    const std::shared_ptr<const RootProvider> provider =
        read.session().keyring().Provider(root->id);
    RecoveryDrill done;
    done.root = root->id;
    ROWSEAL_ASSIGN(done.before, LastDrill(read.connection(), root->id));
    ROWSEAL_TRY(ProveOpens(rows, root->scope, root->id, *provider));
    done.keks = static_cast<std::int64_t>(KeksOf(rows, root->scope).size());
    ROWSEAL_ASSIGN(const std::optional<DekRecord> dek, FindDek(read.connection()));
    if (dek) {
      ROWSEAL_TRY(OpenWith(read.trust(), *dek, root->id, *provider));
      done.dek = "DEK " + ToText(dek->id) + " of project '" + dek->project.text() + "'";
    }
    return done;
  };
  ROWSEAL_ASSIGN(RecoveryDrill done, ReadTrusted(client, drill));
  ROWSEAL_TRY(LogRead(client, access, kDrillAction, ToText(done.root)));
  ObserverOf(client).Log({LogLevel::kInfo,
                          "recovery_drilled",
                          "the recovery key opens this store",
                          {{"root", ToText(done.root)}}});
  return done;
}

}  // namespace rowseal
