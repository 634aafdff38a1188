// Whatever is moved to another place is refused there: thousands of random pairs of each kind, none
// accepted. Every attempt is judged by a process that never saw the store before, so that what
// refuses is the binding, not a memory.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

// What refuses is the client, whichever store the rows come from: a server is asked less often.
std::size_t Pairs() { return Scaled(TestsPostgres() ? 30 : 150, 70); }
constexpr std::size_t kProjects = 4;
constexpr std::size_t kNames = 4;
constexpr std::int64_t kVersions = 3;

struct Place {
  std::string project;
  std::string name;
  std::int64_t version = 1;
  bool operator==(const Place&) const = default;
};

class TransplantedSecrets : public ::testing::Test {
 protected:
  TransplantedSecrets() : intruder_(store_.path()) { Fill(store_); }

  static void Fill(const TestStore& store) {
    Client client = store.Open();
    const SecretKind kinds[] = {SecretKind::kWebhook, SecretKind::kAccessToken,
                                SecretKind::kWorkflow};
    for (std::size_t p = 0; p < kProjects; ++p) {
      for (std::size_t n = 0; n < kNames; ++n) {
        for (std::int64_t version = 1; version <= kVersions; ++version) {
          // All of one size, so that a length never decides.
          const std::string value =
              "value " + std::to_string(p) + std::to_string(n) + std::to_string(version);
          Must(client.Put(Project("p" + std::to_string(p)),
                          {Named("n" + std::to_string(n)), AsBytes(value), kinds[n % 3], {}}));
        }
      }
    }
    Must(client.AddColumn(Label("field"), ContextKind::kField));
    Must(client.SealValue(Project("p0"), Label("field"), AsBytes("makes a value DEK")));
  }

  Place AnyPlace() {
    return {"p" + std::to_string(random_.Below(kProjects)),
            "n" + std::to_string(random_.Below(kNames)),
            1 + static_cast<std::int64_t>(random_.Below(kVersions))};
  }

  std::string IdOf(const Place& place) {
    return intruder_.Text("SELECT id FROM secret WHERE project_id = $1 AND name = $2",
                          {place.project, place.name});
  }

  Row VersionRow(Intruder& intruder, const Place& place) {
    const std::vector<Row> rows = intruder.Run(
        "SELECT v.nonce, v.encrypted_data, v.dek_id FROM secret_version v JOIN secret s ON s.id ="
        " v.secret_id AND s.project_id = v.project_id"
        " WHERE s.project_id = $1 AND s.name = $2 AND v.version = $3",
        {place.project, place.name, place.version});
    return rows.at(0);
  }

  void SetVersion(const Place& place, const std::string& column, Param value) {
    intruder_.Run(
        "UPDATE secret_version SET " + column +
            " = $4 WHERE project_id = $1 AND version = $3"
            " AND secret_id = (SELECT id FROM secret WHERE project_id = $1 AND name = $2)",
        {place.project, place.name, place.version, std::move(value)});
  }

  // Does `transplant` to random pairs; each time the target is opened, and the store put back.
  void ExpectNoneAccepted(const std::function<void(const Place& from, const Place& to)>& transplant,
                          bool same_project = false) {
    const std::vector<Row> secrets = intruder_.Table("secret");
    const std::vector<Row> versions = intruder_.Table("secret_version");
    const std::vector<Row> deks = intruder_.Table("dek");
    for (std::size_t pair = 0; pair < Pairs(); ++pair) {
      const Place from = AnyPlace();
      Place to = AnyPlace();
      if (same_project) {
        to.project = from.project;
      }
      if (from == to) {
        continue;
      }
      SCOPED_TRACE(from.project + "/" + from.name + "@" + std::to_string(from.version) + " to " +
                   to.project + "/" + to.name + "@" + std::to_string(to.version) + ", seed " +
                   std::to_string(random_.seed()));
      intruder_.Run("BEGIN");
      transplant(from, to);
      intruder_.Run("COMMIT");
      Client client = store_.Open();
      ASSERT_THAT(Get(client, to.project, to.name, to.version), FailsWith(ErrorCode::kIntegrity));
      intruder_.Run("BEGIN");
      intruder_.Restore("secret", secrets);
      intruder_.Restore("secret_version", versions);
      intruder_.Restore("dek", deks);
      intruder_.Run("COMMIT");
    }
    store_.ExpectClean();
  }

  void CopyCiphertext(const Place& from, const Place& to) {
    const Row row = VersionRow(intruder_, from);
    SetVersion(to, "nonce", std::get<Bytes>(row[0]));
    SetVersion(to, "encrypted_data", std::get<Bytes>(row[1]));
  }

  void CopyDekKey(const std::string& from, const std::string& to) {
    intruder_.Run(
        "UPDATE dek SET (id, kek_id, check_value, wrapped_key, row_tag) ="
        " (SELECT id, kek_id, check_value, wrapped_key, row_tag FROM dek"
        "  WHERE project_id = $1 AND purpose = 'secret')"
        " WHERE project_id = $2 AND purpose = 'secret'",
        {from, to});
    intruder_.Run(
        "UPDATE secret_version SET dek_id = (SELECT id FROM dek WHERE project_id = $1 AND purpose ="
        " 'secret') WHERE project_id = $2",
        {from, to});
  }

  TestStore store_;
  Intruder intruder_;
  Random random_{11};
};

TEST_F(TransplantedSecrets, CiphertextMovedToAnotherNameProjectOrVersionIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) { CopyCiphertext(from, to); });
}

TEST_F(TransplantedSecrets, CiphertextMovedInsideOneProjectIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) { CopyCiphertext(from, to); },
                     /*same_project=*/true);
}

TEST_F(TransplantedSecrets, CiphertextAloneOrNonceAloneIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    const Row row = VersionRow(intruder_, from);
    const bool nonce = random_.OneIn(2);
    SetVersion(to, nonce ? "nonce" : "encrypted_data", std::get<Bytes>(row[nonce ? 0 : 1]));
  });
}

TEST_F(TransplantedSecrets, WholeVersionRowOfAnotherProjectIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    CopyCiphertext(from, to);
    SetVersion(to, "dek_id", std::get<std::string>(VersionRow(intruder_, from)[2]));
    if (from.project == to.project) {
      SetVersion(to, "nonce", Bytes(24, 1));
    }
  });
}

TEST_F(TransplantedSecrets, DekOfAnotherProjectAloneIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    if (from.project == to.project) {
      CopyCiphertext(from, to);
    }
    CopyDekKey(from.project, to.project);
  });
}

TEST_F(TransplantedSecrets, DekOfAnotherProjectWithItsCiphertextIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    CopyCiphertext(from, to);
    CopyDekKey(from.project, to.project);
  });
}

TEST_F(TransplantedSecrets, WrappedKeyAloneIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    if (from.project == to.project) {
      CopyCiphertext(from, to);
      return;
    }
    intruder_.Run(
        "UPDATE dek SET wrapped_key = (SELECT wrapped_key FROM dek WHERE project_id = $1 AND "
        "purpose"
        " = 'secret') WHERE project_id = $2 AND purpose = 'secret'",
        {from.project, to.project});
  });
}

TEST_F(TransplantedSecrets, DekOfAnotherPurposeIsRefused) {
  ExpectNoneAccepted([&](const Place&, const Place& to) {
    intruder_.Run("UPDATE dek SET project_id = $1 WHERE purpose = 'value'", {to.project});
    SetVersion(to, "dek_id", intruder_.Text("SELECT id FROM dek WHERE purpose = 'value'"));
  });
}

TEST_F(TransplantedSecrets, ExchangedNamesAreRefused) {
  ExpectNoneAccepted(
      [&](const Place& from, const Place& to) {
        if (from.name == to.name) {
          CopyCiphertext(from, to);
          return;
        }
        const std::string from_id = IdOf(from);
        const std::string to_id = IdOf(to);
        intruder_.Run("UPDATE secret SET name = '~' WHERE id = $1", {from_id});
        intruder_.Run("UPDATE secret SET name = $2 WHERE id = $1", {to_id, from.name});
        intruder_.Run("UPDATE secret SET name = $2 WHERE id = $1", {from_id, to.name});
      },
      /*same_project=*/true);
}

TEST_F(TransplantedSecrets, AnotherNameIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    // The target secret goes, and the source is renamed to take its place.
    const std::string from_id = IdOf(from);
    if (from.project == to.project && from.name == to.name) {
      CopyCiphertext(from, to);
      return;
    }
    intruder_.Run("DELETE FROM secret WHERE id = $1", {IdOf(to)});
    intruder_.Run("UPDATE secret SET project_id = $2, name = $3 WHERE id = $1",
                  {from_id, to.project, to.name});
    intruder_.Run("UPDATE secret_version SET project_id = $2 WHERE secret_id = $1",
                  {from_id, to.project});
  });
}

TEST_F(TransplantedSecrets, AnotherKindIsRefused) {
  ExpectNoneAccepted([&](const Place&, const Place& to) {
    intruder_.Run(
        "UPDATE secret SET kind = CASE kind WHEN 'webhook' THEN 'workflow' ELSE 'webhook' END"
        " WHERE id = $1",
        {IdOf(to)});
  });
}

TEST_F(TransplantedSecrets, AnotherExpiryIsRefused) {
  {
    Client client = store_.Open();
    for (std::size_t n = 0; n < kNames; ++n) {
      const Timestamp later = SystemClock() + std::chrono::hours(24);
      Must(client.Expire(Project("p0"), Named("n" + std::to_string(n)), SecretVersion{1}, later));
    }
  }
  ExpectNoneAccepted([&](const Place&, const Place& to) {
    const bool has = to.project == "p0" && to.version == 1;
    SetVersion(to, "expires_at",
               has && random_.OneIn(2)
                   ? Param(Null{})
                   : Param(std::int64_t{4'000'000'000'000'000} +
                           static_cast<std::int64_t>(random_.Below(1'000'000))));
  });
}

TEST_F(TransplantedSecrets, AnotherVersionNumberIsRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    const std::string id = IdOf(to);
    const std::int64_t other =
        from.version == to.version ? to.version % kVersions + 1 : from.version;
    intruder_.Run("DELETE FROM secret_version WHERE secret_id = $1 AND version = $2",
                  {id, to.version});
    intruder_.Run("UPDATE secret_version SET version = $2 WHERE secret_id = $1 AND version = $3",
                  {id, to.version, other});
  });
}

TEST_F(TransplantedSecrets, VersionsUnderAnotherSecretIdAreRefused) {
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    const std::string from_id = IdOf(from);
    const std::string to_id = IdOf(to);
    if (from_id == to_id) {
      CopyCiphertext(from, to);
      return;
    }
    intruder_.Run("DELETE FROM secret_version WHERE secret_id = $1", {to_id});
    intruder_.Run("UPDATE secret_version SET secret_id = $2, project_id = $3 WHERE secret_id = $1",
                  {from_id, to_id, to.project});
  });
}

// Two installations under one root key, as production and its staging copy may be.
TEST_F(TransplantedSecrets, RowsOfAnotherInstallationAreRefused) {
  TestStore other;
  {
    other.MakeAnew();
    Fill(other);
  }
  Intruder others(other.path());
  ExpectNoneAccepted([&](const Place& from, const Place& to) {
    const Row row = VersionRow(others, to);  // the same project, name and version over there
    SetVersion(to, "nonce", std::get<Bytes>(row[0]));
    SetVersion(to, "encrypted_data", std::get<Bytes>(row[1]));
    if (from.version != 1) {
      const std::vector<Row> dek = others.Run(
          "SELECT id, check_value, wrapped_key, row_tag FROM dek WHERE project_id = $1"
          " AND purpose = 'secret'",
          {to.project});
      intruder_.Run(
          "UPDATE dek SET id = $2, check_value = $3, wrapped_key = $4, row_tag = $5"
          " WHERE project_id = $1 AND purpose = 'secret'",
          {to.project, std::get<std::string>(dek[0][0]), std::get<Bytes>(dek[0][1]),
           std::get<Bytes>(dek[0][2]), std::get<Bytes>(dek[0][3])});
      SetVersion(to, "dek_id", std::get<std::string>(dek[0][0]));
    }
    if (from.version == 3) {
      const std::string id = others.Text(
          "SELECT id FROM secret WHERE project_id = $1 AND name = $2", {to.project, to.name});
      intruder_.Run("UPDATE secret_version SET secret_id = $2 WHERE secret_id = $1",
                    {IdOf(to), id});
      intruder_.Run("UPDATE secret SET id = $2 WHERE id = $1", {IdOf(to), id});
    }
  });
}

// --- sealed values -------------------------------------------------------------------------------

struct ValueAt {
  std::string project;
  std::string label;
  std::vector<std::string> row;
  bool operator==(const ValueAt&) const = default;
};

class TransplantedValues : public ::testing::Test {
 protected:
  TransplantedValues() : client_(store_.Open()) {
    for (const std::string label : {"field0", "field1"}) {
      Must(client_.AddColumn(Label(label), ContextKind::kField));
    }
    for (const std::string label : {"cell0", "cell1"}) {
      Must(client_.AddColumn(Label(label), ContextKind::kCell));
    }
  }

  ValueAt AnyPlace() {
    const std::vector<std::vector<std::string>> rows = {
        {"1"}, {"2"}, {"12"}, {"1", "2"}, {"1", ""}};
    const bool cell = random_.OneIn(2);
    return {"p" + std::to_string(random_.Below(3)),
            (cell ? "cell" : "field") + std::to_string(random_.Below(2)),
            cell ? rows[random_.Below(rows.size())] : std::vector<std::string>()};
  }

  std::string Seal(Client& client, const ValueAt& at) {
    return Must(client.SealValue(Project(at.project), Label(at.label), AsBytes("value"), at.row));
  }
  Result<SecretBytes> Open(const ValueAt& at, const std::string& sealed) {
    return client_.OpenValue(Project(at.project), Label(at.label), sealed, at.row);
  }

  TestStore store_;
  Client client_;
  Random random_{12};
};

TEST_F(TransplantedValues, OpenAtNoOtherPlaceThanTheirOwn) {
  for (std::size_t pair = 0; pair < Scaled(1000, 10); ++pair) {
    const ValueAt from = AnyPlace();
    const ValueAt to = AnyPlace();
    const std::string sealed = Seal(client_, from);
    if (from == to) {
      ASSERT_THAT(Open(to, sealed), Succeeds());
    } else {
      ASSERT_THAT(Open(to, sealed), FailsWith(ErrorCode::kIntegrity))
          << from.project << " " << from.label << " to " << to.project << " " << to.label;
    }
  }
}

TEST_F(TransplantedValues, WithAHeaderOfAnotherPlaceAreRefused) {
  for (std::size_t pair = 0; pair < Scaled(500, 20); ++pair) {
    const ValueAt from = AnyPlace();
    const ValueAt to = AnyPlace();
    Bytes moved = Must(FromBase64(Base64::kUrl, Seal(client_, from).substr(4)));
    const Bytes at_home = Must(FromBase64(Base64::kUrl, Seal(client_, to).substr(4)));
    constexpr std::ptrdiff_t kDekEnd = 19;  // version, suite, context kind, DEK id
    std::copy(at_home.begin(), at_home.begin() + kDekEnd, moved.begin());
    if (from == to) {
      continue;
    }
    ASSERT_THAT(Open(to, "rs1." + ToBase64(Base64::kUrl, moved)), FailsWith(ErrorCode::kIntegrity));
  }
}

TEST_F(TransplantedValues, OfAnotherInstallationAreRefusedEvenWithTheirDekRow) {
  TestStore other;
  other.MakeAnew();
  Client there = other.Open();
  for (const std::string label : {"field0", "field1"}) {
    Must(there.AddColumn(Label(label), ContextKind::kField));
  }
  const ValueAt at{"p0", "field0", {}};
  const std::string sealed = Seal(there, at);
  Seal(client_, at);
  EXPECT_THAT(Open(at, sealed), FailsWith(ErrorCode::kIntegrity));
  Intruder here(store_.path());
  Intruder others(other.path());
  here.Run("DELETE FROM dek");
  for (const std::string table : {"dek", "sealed_column"}) {
    here.Restore(table, others.Table(table));
    EXPECT_THAT(Open(at, sealed), FailsWith(ErrorCode::kIntegrity)) << table;
  }
}

TEST_F(TransplantedValues, UnderADekForSecretsAreRefused) {
  Must(Put(client_, "p0", "name", "value"));
  const ValueAt at{"p0", "field0", {}};
  Bytes sealed = Must(FromBase64(Base64::kUrl, Seal(client_, at).substr(4)));
  const DekId dek = Must(ParseUuid<DekId>(
      Intruder(store_.path()).Text("SELECT id FROM dek WHERE purpose = 'secret'")));
  std::copy(dek.bytes.begin(), dek.bytes.end(), sealed.begin() + 3);
  EXPECT_THAT(Open(at, "rs1." + ToBase64(Base64::kUrl, sealed)), FailsWith(ErrorCode::kIntegrity));
}

TEST_F(TransplantedValues, InAnExchangedColumnAreRefused) {
  const ValueAt at{"p0", "field0", {}};
  const std::string sealed = Seal(client_, at);
  Intruder intruder(store_.path());
  intruder.Run("UPDATE sealed_column SET label = 'x' WHERE label = 'field0'");
  intruder.Run("UPDATE sealed_column SET label = 'field0' WHERE label = 'field1'");
  intruder.Run("UPDATE sealed_column SET label = 'field1' WHERE label = 'x'");
  EXPECT_THAT(Open(at, sealed), FailsNaming(ErrorCode::kIntegrity, "'field0' of sealed_column"));
}

}  // namespace
}  // namespace rowseal::testing
