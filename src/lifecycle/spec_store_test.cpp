// A store whose rows are those of docs/spec/vectors.json, put there by SQL: the program opens what
// another program wrote, and refuses what only a whole store can show.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "roots/local_root.h"
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
    for (const json& version : Vectors()["secret_versions"]) {
      InsertVersion(version, Hex(version["write_mac"]));
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
                             "wrapped_key", "secret", "key", "nonce", "encrypted_data"}) {
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
    for (const char* table : {"installation", "kek_wrapping", "kek", "root_key"}) {
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
  }

  void InsertVersion(const json& version, Bytes write_mac) {
    const std::string project = Text(version["project_id"]);
    const std::string id = Text(version["secret_id"]);
    Insert("secret", {{"project_id", project},
                      {"id", id},
                      {"name", version["name"]},
                      {"kind", version["kind"]},
                      {"next_version", version["version"].get<std::int64_t>() + 1},
                      {"created_at", 0}});
    Insert("secret_version", {{"project_id", project},
                              {"secret_id", id},
                              {"version", version["version"]},
                              {"dek_id", version["dek_id"]},
                              {"nonce", version["nonce"]},
                              {"encrypted_data", version["encrypted_data"]},
                              {"expires_at", version["expires_at"]},
                              {"created_at", 0},
                              {"created_by", "test"}});
    intruder_.Run(
        "INSERT INTO audit_item (project_id, entry_id, secret_id, version, write_mac)"
        " VALUES ($1, 'entry', $2, $3, $4)",
        {project, id, version["version"].get<std::int64_t>(), std::move(write_mac)});
  }

  Client Connect(std::size_t root = 0) {
    const std::shared_ptr<const RootProvider> provider = Must(LocalRoot::Create(
        "env:ROOT", Must(SecretBytes::CopyOf(Hex(Vectors()["root_keys"][root]["key"])))));
    // Before the expiry of a vector.
    const auto clock = [] { return Timestamp(std::chrono::microseconds(-2)); };
    return Must(Client::Connect(OpenTestConnection(store_.path()), {provider},
                                {.actor = "tester", .observer = {}, .clock = clock}));
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
    for (const char* table : {"secret", "secret_version", "audit_item"}) {
      intruder_.Run(std::string("DELETE FROM ") + table);
    }
    InsertVersion(vector, Bytes(32));
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

TEST_F(SpecStore, VersionWithAWrongWriteMacIsNamedAndNotReleased) {
  const json& version = Vectors()["secret_versions"][0];
  for (const json& vector : Vectors()["write_macs_refused"]) {
    intruder_.Run("UPDATE audit_item SET write_mac = $1 WHERE secret_id = $2",
                  {Hex(vector["write_mac"]), Text(version["secret_id"])});
    Client client = Connect();
    EXPECT_THAT(Get(client, Text(version["project_id"]), Text(version["name"])),
                FailsNaming(ErrorCode::kIntegrity, "written last"))
        << vector["name"];
    const std::vector<VerifyFailure> failures = VerifyFailures(client);
    ASSERT_EQ(failures.size(), 1U) << vector["name"];
    EXPECT_EQ(failures.front().failure, FailureClass::kReplay) << vector["name"];
  }
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
