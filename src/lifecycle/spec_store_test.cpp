// A store whose rows are those of docs/spec/vectors.json, put there by SQL: the program opens what
// another program wrote, and refuses what only a whole store can show.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "keys/integrity_key.h"
#include "roots/local_root.h"
#include "store/calls/trust_load.h"
#include "support/paths.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using nlohmann::json;

const json& Vectors() {
  static const json vectors = json::parse(ReadFile(ROWSEAL_SOURCE_DIR "/docs/spec/vectors.json"));
  return vectors;
}

std::string Text(const json& text) { return text.get<std::string>(); }
Bytes Hex(const json& text) { return Must(FromHex(Text(text))); }

std::string LabelOf(const json& vector) {
  for (const json& tagged : Vectors()["row_tags"]) {
    if (tagged["row"]["id"] == vector["column_id"]) {
      return Text(tagged["row"]["label"]);
    }
  }
  return "not registered";
}

class SpecStore : public ::testing::Test {
 protected:
  SpecStore() : intruder_(store_.path()) {
    for (const std::string& table : kTables) {
      intruder_.Run("DELETE FROM " + table);
    }
    InsertTrust(Vectors());
    for (const json& tagged : Vectors()["row_tags"]) {
      if (tagged["table"] == "dek") {
        json row = tagged["row"];
        row["kek_id"] = 2;
        row["wrapped_key"] = WrappedKeyOf(row["id"]);
        InsertTagged("dek", std::move(row), tagged["tag"]);
      } else if (tagged["table"] == "sealed_column") {
        InsertTagged("sealed_column", tagged["row"], tagged["tag"]);
      }
    }
    for (const json& head : Vectors()["secret_heads"]) {
      InsertHead(head);
    }
    for (const json& version : Vectors()["secret_versions"]) {
      InsertVersion(version);
    }
  }

  // Inserts a row whose members are the columns.
  void Insert(const std::string& table, const json& row) {
    std::string names;
    std::string places;
    std::vector<Param> params;
    for (const auto& [name, value] : row.items()) {
      names += (names.empty() ? "" : ", ") + name;
      if (value.is_null()) {
        params.emplace_back(Null{});
      } else if (value.is_number()) {
        params.emplace_back(value.get<std::int64_t>());
      } else if (IsBlob(name)) {
        params.emplace_back(Hex(value));
      } else {
        params.emplace_back(Text(value));
      }
      places += (places.empty() ? "$" : ", $") + std::to_string(params.size());
    }
    intruder_.Run("INSERT INTO " + table + " (" + names + ") VALUES (" + places + ")",
                  std::move(params));
  }
  static bool IsBlob(const std::string& column) {
    for (const char* blob : {"fingerprint", "public_part", "check_value", "row_tag", "trust_tag",
                             "wrapped_key", "secret", "key", "nonce", "encrypted_data", "mac"}) {
      if (column == blob) {
        return true;
      }
    }
    return false;
  }
  void InsertTagged(const std::string& table, json row, const json& tag) {
    row["row_tag"] = tag;
    row["created_at"] = 0;
    Insert(table, row);
  }
  static json WrappedKeyOf(const json& dek_id) {
    for (const json& dek : Vectors()["deks"]) {
      if (dek["id"] == dek_id) {
        return dek["wrapped_key"];
      }
    }
    return nullptr;
  }

  // Makes `set` the trusted set: all vectors, or `two_roots`.
  void InsertTrust(const json& set) {
    for (const char* table : {"installation", "kek_wrapping", "kek", "root_key", "scope_floor"}) {
      intruder_.Run(std::string("DELETE FROM ") + table);
    }
    json installation = set["trust_tag"]["row"];
    installation["singleton"] = 1;
    installation["trust_tag"] = set["trust_tag"]["tag"];
    installation["created_at"] = 0;
    Insert("installation", installation);
    for (const json& tagged : set["row_tags"]) {
      if (tagged["table"] == "root_key" || tagged["table"] == "kek") {
        InsertTagged(Text(tagged["table"]), tagged["row"], tagged["tag"]);
      }
    }
    for (const json& wrapping : set["wrappings"]) {
      Insert("kek_wrapping", {{"kek_id", wrapping["kek_id"]},
                              {"root_id", wrapping["root_id"]},
                              {"secret", wrapping["secret"]},
                              {"key", wrapping["key"]}});
    }
    for (const json& floor : set["floors"]) {
      Insert("scope_floor", floor);
    }
  }

  void InsertHead(const json& head) {
    Insert("secret", {{"project_id", head["project_id"]},
                      {"id", head["secret_id"]},
                      {"name", head["name"]},
                      {"kind", head["kind"]},
                      {"next_version", head["next_version"]},
                      {"created_at", head["created_at"]},
                      {"lowest_version", head["lowest_version"]},
                      {"attributes", head["attributes"]}});
    Insert("secret_mac", {{"project_id", head["project_id"]},
                          {"secret_id", head["secret_id"]},
                          {"write_count", head["write_count"]},
                          {"mac", head["head_mac"]}});
  }

  void InsertVersion(const json& version) {
    Insert("secret_version", {{"project_id", version["project_id"]},
                              {"secret_id", version["secret_id"]},
                              {"version", version["version"]},
                              {"dek_id", version["dek_id"]},
                              {"nonce", version["nonce"]},
                              {"encrypted_data", version["encrypted_data"]},
                              {"expires_at", version["expires_at"]},
                              {"created_at", version["created_at"]},
                              {"created_by", "test"}});
    InsertVersionMac(version);
  }
  void InsertVersionMac(const json& version) {
    Insert("version_mac", {{"project_id", version["project_id"]},
                           {"secret_id", version["secret_id"]},
                           {"version", version["version"]},
                           {"write_count", version["write_count"]},
                           {"mac", version["version_mac"]}});
  }

  // Inserts a version and the row of its secret, with the MACs of a first write.
  void InsertWritten(json version) {
    const IntegrityKey key = TaggingKey();
    const ProjectId project = Project(Text(version["project_id"]));
    const SecretName name = Must(SecretName::Parse(Text(version["name"])));
    const auto number = version["version"].get<std::int64_t>();
    version["created_at"] = 0;
    version["write_count"] = 1;
    const Bytes context = Hex(version["context"]);
    const Bytes nonce = Hex(version["nonce"]);
    const Bytes data = Hex(version["encrypted_data"]);
    version["version_mac"] =
        ToHex(Must(key.Mac(WrittenVersion{.write_count = 1,
                                          .context = context,
                                          .created_at = {},
                                          .dek = Must(ParseUuid<DekId>(Text(version["dek_id"]))),
                                          .nonce = nonce,
                                          .encrypted_data = data})));
    json head = version;
    head["next_version"] = number + 1;
    head["lowest_version"] = number;
    head["attributes"] = "";
    head["head_mac"] = ToHex(
        Must(key.Mac(WrittenHead{.write_count = 1,
                                 .project = project,
                                 .secret = Must(ParseUuid<SecretId>(Text(version["secret_id"]))),
                                 .name = name,
                                 .kind = Must(ParseSecretKind(Text(version["kind"]))),
                                 .next_version = {number + 1},
                                 .lowest_version = {number},
                                 .created_at = {},
                                 .attributes = {}})));
    InsertHead(head);
    InsertVersion(version);
  }

  // Raises a floor of the scope `default` and makes the set's tag anew, as a compromise does.
  void RaiseFloor(const std::string& floor, std::int64_t epoch) {
    intruder_.Run("UPDATE scope_floor SET " + floor + " = $1 WHERE scope = 'default'", {epoch});
    const std::unique_ptr<Connection> connection = OpenTestConnection(store_.path());
    const TrustRows rows = Must(Ask(*connection, TrustLoad::Request{}));
    intruder_.Run("UPDATE installation SET trust_tag = $1", {Must(TaggingKey().TrustTag(rows))});
  }

  static IntegrityKey TaggingKey() {
    const KekId id{Vectors()["integrity_kek_id"].get<std::int64_t>()};
    XaesKey key = Must(XaesKey::Create(Must(SecretBytes::CopyOf(Hex(Vectors()["integrity_key"])))));
    return IntegrityKey(Must(ParseUuid<InstallationId>(Text(Vectors()["installation"]))),
                        std::make_shared<const Kek>(Kek{id, std::move(key)}));
  }

  Result<Client> TryConnect(std::size_t root = 0) {
    const std::shared_ptr<const RootProvider> provider = Must(LocalRoot::Create(
        "env:ROOT", Must(SecretBytes::CopyOf(Hex(Vectors()["root_keys"][root]["key"])))));
    // Before the expiry of a vector.
    const auto clock = [] { return Timestamp(std::chrono::microseconds(-2)); };
    return Client::Connect(OpenTestConnection(store_.path()), {provider},
                           {.actor = "tester", .observer = {}, .clock = clock});
  }
  Client Connect(std::size_t root = 0) { return Must(TryConnect(root)); }

  // The newest version does not come out for `why`, and `verify` names one row, of that table.
  void ExpectNotReleased(const json& version, const std::string& why, const std::string& table,
                         const std::string& vector) {
    Client client = Connect();
    EXPECT_THAT(Get(client, Text(version["project_id"]), Text(version["name"])),
                FailsNaming(ErrorCode::kIntegrity, why))
        << vector;
    const std::vector<VerifyFailure> failures = VerifyFailures(client);
    ASSERT_EQ(failures.size(), 1U) << vector;
    EXPECT_EQ(failures.front().failure, FailureClass::kReplay) << vector;
    EXPECT_TRUE(failures.front().row.starts_with(table + " ")) << vector;
  }

  void ExpectEveryRowOpens(Client& client) {
    for (const json& version : Vectors()["secret_versions"]) {
      const Result<std::string> value =
          Get(client, Text(version["project_id"]), Text(version["name"]));
      ASSERT_THAT(value, Succeeds());
      EXPECT_EQ(ToHex(AsBytes(*value)), version["value"]);
    }
    for (const json& sealed : Vectors()["sealed_values"]) {
      const Result<SecretBytes> value = Open(client, sealed);
      ASSERT_THAT(value, Succeeds());
      EXPECT_EQ(ToHex(value->Reveal()), sealed["value"]);
    }
    for (const VerifyFailure& failure : VerifyFailures(client)) {
      ADD_FAILURE() << FailureText(failure);
    }
  }
  static Result<SecretBytes> Open(Client& client, const json& sealed) {
    return client.OpenValue(Project(Text(sealed["project_id"])), Label(LabelOf(sealed)),
                            Text(sealed["text"]),
                            sealed["row_key"].get<std::vector<std::string>>());
  }

  TestStore store_;
  Intruder intruder_;
};

TEST_F(SpecStore, EveryRowOpens) {
  Client client = Connect();
  ExpectEveryRowOpens(client);
}

TEST_F(SpecStore, EitherOfTwoRootsOpensEveryRow) {
  InsertTrust(Vectors()["two_roots"]);
  for (const std::size_t root : {0U, 1U}) {
    Client client = Connect(root);
    ExpectEveryRowOpens(client);
  }
}

TEST_F(SpecStore, RefusedVersionsAreNotReleased) {
  int tried = 0;
  for (const json& vector : Vectors()["secret_versions_refused"]) {
    if (vector["installation"] != Vectors()["installation"]) {
      continue;  // as a whole, another store
    }
    for (const char* table : {"secret_mac", "version_mac", "secret_version", "secret"}) {
      intruder_.Run(std::string("DELETE FROM ") + table);
    }
    InsertWritten(vector);
    Client client = Connect();
    const Result<std::string> got = Get(client, Text(vector["project_id"]), Text(vector["name"]));
    EXPECT_THAT(got, FailsWith(ErrorCode::kIntegrity)) << vector["case"];
    EXPECT_EQ(got.error().message.find("written last"), std::string::npos)
        << vector["case"] << ": it opened, and only its MAC was refused";
    const std::vector<VerifyFailure> failures = VerifyFailures(client);
    ASSERT_EQ(failures.size(), 1U) << vector["case"];
    EXPECT_TRUE(failures.front().row.starts_with("secret_version ")) << vector["case"];
    ++tried;
  }
  EXPECT_GT(tried, 8);
}

TEST_F(SpecStore, VersionWithAWrongMacIsNamedAndNotReleased) {
  const json& version = Vectors()["secret_versions"][0];
  for (const json& vector : Vectors()["version_macs_refused"]) {
    intruder_.Run("UPDATE version_mac SET mac = $1 WHERE secret_id = $2",
                  {Hex(vector["version_mac"]), Text(version["secret_id"])});
    ExpectNotReleased(version, "written last", "secret_version", Text(vector["name"]));
  }
}

TEST_F(SpecStore, SecretWithAWrongMacIsNamedAndNotReleased) {
  const json& version = Vectors()["secret_versions"][1];
  for (const json& vector : Vectors()["head_macs_refused"]) {
    intruder_.Run("UPDATE secret_mac SET mac = $1 WHERE secret_id = $2",
                  {Hex(vector["head_mac"]), Text(version["secret_id"])});
    ExpectNotReleased(version, "written last", "secret", Text(vector["case"]));
  }
}

TEST_F(SpecStore, RowWithoutItsMacIsNamedAndNotReleased) {
  const json& first = Vectors()["secret_versions"][0];
  intruder_.Run("DELETE FROM version_mac WHERE secret_id = $1", {Text(first["secret_id"])});
  ExpectNotReleased(first, "no MAC", "secret_version", "version_mac");
  const json& version = Vectors()["secret_versions"][1];
  InsertVersionMac(first);
  intruder_.Run("DELETE FROM secret_mac WHERE secret_id = $1", {Text(version["secret_id"])});
  ExpectNotReleased(version, "no MAC", "secret", "secret_mac");
}

TEST_F(SpecStore, MissingVersionIsNamed) {
  const json& version = Vectors()["secret_versions"][0];
  intruder_.Run("DELETE FROM version_mac WHERE secret_id = $1", {Text(version["secret_id"])});
  intruder_.Run("DELETE FROM secret_version WHERE secret_id = $1", {Text(version["secret_id"])});
  Client client = Connect();
  const std::vector<VerifyFailure> failures = VerifyFailures(client);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures.front().failure, FailureClass::kMissing);
  EXPECT_TRUE(failures.front().row.starts_with("secret_version ")) << failures.front().row;
}

TEST_F(SpecStore, ChangedFloorsAndEpochsAreRefused) {
  intruder_.Run("UPDATE dek SET born_epoch = born_epoch + 1 WHERE purpose = 'secret'");
  const json& version = Vectors()["secret_versions"][0];
  {
    Client client = Connect();
    EXPECT_THAT(Get(client, Text(version["project_id"]), Text(version["name"])),
                FailsWith(ErrorCode::kIntegrity));
  }
  intruder_.Run("UPDATE dek SET born_epoch = born_epoch - 1 WHERE purpose = 'secret'");
  for (const char* floor : {"seal_floor", "secrets_floor", "values_floor"}) {
    const std::string change = std::string("UPDATE scope_floor SET ") + floor + " = " + floor;
    intruder_.Run(change + " - 1 WHERE scope = 'default'");
    EXPECT_THAT(TryConnect(), FailsWith(ErrorCode::kIntegrity)) << floor;
    intruder_.Run(change + " + 1 WHERE scope = 'default'");
  }
  Client client = Connect();
  ExpectEveryRowOpens(client);
}

TEST_F(SpecStore, DekBelowAFloorOpensNothing) {
  const json& version = Vectors()["secret_versions"][0];
  const json& sealed = Vectors()["sealed_values"][0];
  RaiseFloor("secrets_floor", 3);
  {
    Client client = Connect();
    EXPECT_THAT(Get(client, Text(version["project_id"]), Text(version["name"])),
                FailsWith(ErrorCode::kRefusedByState));
    EXPECT_THAT(Open(client, sealed), Succeeds());
  }
  InsertTrust(Vectors());
  RaiseFloor("values_floor", 2);
  Client client = Connect();
  EXPECT_THAT(Get(client, Text(version["project_id"]), Text(version["name"])), Succeeds());
  EXPECT_THAT(Open(client, sealed), FailsWith(ErrorCode::kRefusedByState));
}

TEST_F(SpecStore, ValuesAreRefusedElsewhere) {
  Client client = Connect();
  int tried = 0;
  for (const json& vector : Vectors()["sealed_values_elsewhere"]) {
    const bool in_this_store =
        vector["installation"] == Vectors()["installation"] && LabelOf(vector) != "not registered";
    if (in_this_store) {
      EXPECT_THAT(Open(client, vector), FailsWith(ErrorCode::kIntegrity)) << vector["name"];
      ++tried;
    }
  }
  EXPECT_GT(tried, 4);
}

}  // namespace
}  // namespace rowseal::testing
