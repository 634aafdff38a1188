// Each defect that `doctor` looks for is planted into a store, and its finding appears; nothing is
// changed by looking.
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "connect/file_checks.h"
#include "db/sqlite/sqlite_store.h"
#include "support/findings.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

namespace fs = std::filesystem;

class Doctor : public ::testing::Test {
 protected:
  std::vector<Finding> Look() const { return Diagnose(store_.Options()); }
  void Chmod(const std::string& path, mode_t mode) const {
    ASSERT_EQ(chmod(path.c_str(), mode), 0) << path;
  }

  const TestStore store_;
};

TEST_F(Doctor, HealthyStoreHasNoError) {
  const std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasNoError());
  for (const char* check : {"root_file", "store_file", "disk_space", "store_format", "journal_mode",
                            "quick_check", "store_opens", "roots", "jobs"}) {
    EXPECT_THAT(findings, HasFinding(Severity::kOk, check, ""));
  }
}

TEST_F(Doctor, ChangesNothing) {
  const std::string rows = store_.ContentWithAudit();
  const std::string bytes = ReadFile(store_.path());
  Look();
  DiagnoseEnvironment(store_.Options());
  EXPECT_EQ(ReadFile(store_.path()), bytes);
  EXPECT_EQ(store_.ContentWithAudit(), rows);
}

TEST_F(Doctor, EnvironmentNeedsNoRootAndAsksNobody) {
  StoreOptions options = store_.Options();
  options.roots = {"passphrase:"};
  options.ask_passphrase = [](PassphraseUse) -> Result<SecretBytes> {
    ADD_FAILURE() << "asked";
    return SecretBytes();
  };
  const std::vector<Finding> findings = DiagnoseEnvironment(options);
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "quick_check", ""));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "root_passphrase", ""));
}

TEST_F(Doctor, RootFileThatOthersReadIsAnErrorAndMountedAWarning) {
  Chmod(store_.root_path(), 0640);
  EXPECT_THAT(Look(), HasFinding(Severity::kError, "root_file", "0640"));
  StoreOptions options = store_.Options();
  options.roots.front() += "?mounted";
  const std::vector<Finding> mounted = Diagnose(options);
  EXPECT_THAT(mounted, HasFinding(Severity::kWarning, "root_file", "0640"));
  EXPECT_THAT(mounted, HasFinding(Severity::kOk, "store_opens", ""));
}

TEST_F(Doctor, RootFileThatIsMissingOrNoFileIsAnErrorBesideTheOtherFindings) {
  StoreOptions options = store_.Options();
  for (const std::string& path : {store_.folder() / "none", store_.folder().path()}) {
    options.roots = {"file:" + path};
    const std::vector<Finding> findings = Diagnose(options);
    EXPECT_THAT(findings, HasFinding(Severity::kError, "root_file", path));
    EXPECT_THAT(findings, HasFinding(Severity::kOk, "quick_check", ""));
  }
}

TEST_F(Doctor, PassphraseFileIsLookedAtAsARootFile) {
  const std::string path = store_.folder() / "words";
  WriteFile(path, "orbit walnut seven", 0644);
  StoreOptions options = store_.Options();
  options.roots = {"passphrase:@" + path};
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "root_file", "0644"));
}

TEST_F(Doctor, FileOfAnotherOwnerIsNamed) {
  if (geteuid() != 0) {
    GTEST_SKIP() << "only root can give a file away";
  }
  ASSERT_EQ(chown(store_.root_path().c_str(), 12345, 12345), 0);
  ASSERT_EQ(chown(store_.path().c_str(), 12345, 12345), 0);
  const std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kError, "root_file", "user 12345"));
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "store_file", "user 12345"));
}

TEST_F(Doctor, RootBesideTheStoreIsAWarning) {
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "root_place", "one backup takes both"));
}

TEST_F(Doctor, RootApartFromTheStoreIsNoWarningOfThatKind) {
  const TempFolder elsewhere;
  fs::copy_file(store_.root_path(), elsewhere / "root.key");
  StoreOptions options = store_.Options();
  options.roots = {"file:" + elsewhere / "root.key"};
  EXPECT_THAT(Diagnose(options),
              ::testing::Not(HasFinding(Severity::kWarning, "root_place", "one backup")));
}

TEST_F(Doctor, RootInAGitWorkTreeIsAWarning) {
  fs::create_directory(store_.folder() / ".git");
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "root_place", "git work tree"));
}

TEST_F(Doctor, FoldersThatOthersWriteOrReadAreNamed) {
  Chmod(store_.folder().path(), 0704);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "root_folder", "can list the folder"));
  Chmod(store_.folder().path(), 0702);
  std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kError, "root_folder", "every user can exchange"));
  EXPECT_THAT(findings, HasFinding(Severity::kError, "store_folder", "every user can exchange"));
  Chmod(store_.folder().path(), 0720);
  findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "root_folder", "a group can exchange"));
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "store_folder", "a group can exchange"));
  Chmod(store_.folder().path(), 01703);  // sticky: the owner's files are safe
  EXPECT_THAT(Look(), HasNoError());
}

TEST_F(Doctor, RootInTheEnvironmentIsAWarningAndMissingAnError) {
  StoreOptions options = store_.Options();
  options.roots = {"env:ROWSEAL_DOCTOR_TEST"};
  ASSERT_EQ(unsetenv("ROWSEAL_DOCTOR_TEST"), 0);
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "root_env", "is not set"));
  std::string key = ReadFile(store_.root_path());
  key.pop_back();
  ASSERT_EQ(setenv("ROWSEAL_DOCTOR_TEST", key.c_str(), 1), 0);
  const std::vector<Finding> findings = Diagnose(options);
  EXPECT_THAT(findings, HasFinding(Severity::kWarning, "root_env", "/proc/PID/environ"));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "store_opens", ""));
  EXPECT_EQ(TextOf(findings).find(key), std::string::npos);
  unsetenv("ROWSEAL_DOCTOR_TEST");
}

TEST_F(Doctor, NoRootOrNoSuchKindIsAnErrorBesideTheOtherFindings) {
  StoreOptions options = store_.Options();
  options.roots.clear();
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "root", "no root key was given"));
  for (const std::string uri : {"vault:hunter2", "hunter2", "passphrase:hunter2"}) {
    options.roots = {uri};
    const std::vector<Finding> findings = Diagnose(options);
    EXPECT_THAT(findings, HasFinding(Severity::kError, "root", ""));
    EXPECT_EQ(TextOf(findings).find("hunter2"), std::string::npos);
    EXPECT_THAT(findings, HasFinding(Severity::kOk, "quick_check", ""));
  }
}

TEST_F(Doctor, StoreFilesThatOthersReadOrWriteAreNamed) {
  Chmod(store_.path(), 0604);
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "store_file", "0604"));
  Chmod(store_.path(), 0620);
  EXPECT_THAT(Look(), HasFinding(Severity::kError, "store_file", "0620"));
  Chmod(store_.path(), 0600);
  Intruder keeps_them(store_.path());
  keeps_them.Run("UPDATE audit_log SET reason = reason");
  for (const char* end : {"-wal", "-shm"}) {
    Chmod(store_.path() + end, 0644);
    EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "store_file", end));
    Chmod(store_.path() + end, 0600);
  }
}

TEST_F(Doctor, MissingStoreIsOneErrorBesideTheOtherFindings) {
  StoreOptions options = store_.Options();
  options.store = "sqlite:" + (store_.folder() / "none.db");
  const std::vector<Finding> findings = Diagnose(options);
  EXPECT_THAT(findings, HasFinding(Severity::kError, "store_file", "there is no store at"));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "root_file", ""));
  EXPECT_EQ(std::ranges::count(findings, Severity::kError, &Finding::severity), 1);
  EXPECT_FALSE(fs::exists(store_.folder() / "none.db"));
  options.store = "sqlite:" + store_.folder().path();
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "store_file", "not a regular file"));
}

TEST_F(Doctor, NoStoreOrAnotherKindIsAnErrorThatRepeatsNoPassword) {
  StoreOptions options = store_.Options();
  options.store = "";
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "store", "no store was named"));
  options.store = "mysql://user:hunter2@host/db";
  const std::vector<Finding> findings = Diagnose(options);
  EXPECT_THAT(findings, HasFinding(Severity::kError, "store", "mysql"));
  EXPECT_EQ(TextOf(findings).find("hunter2"), std::string::npos);
}

TEST_F(Doctor, OtherFormatsAndForeignFilesAreErrors) {
  Intruder(store_.path()).Run("PRAGMA user_version = 99");
  EXPECT_THAT(Look(), HasFinding(Severity::kError, "store_format", "format 99"));
  Intruder(store_.path()).Run("PRAGMA application_id = 0");
  EXPECT_THAT(Look(), HasFinding(Severity::kError, "store_format", "not a Rowseal store"));
  WriteFile(store_.path(), std::string(8192, 'x'));
  EXPECT_THAT(Look(), HasFinding(Severity::kError, "store_format", ""));
}

TEST_F(Doctor, StoreWithoutKeysIsAnError) {
  const std::string path = store_.folder() / "empty.db";
  Must(CreateSqliteStore(path));
  StoreOptions options = store_.Options();
  options.store = "sqlite:" + path;
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "store_keys", "no keys yet"));
}

TEST_F(Doctor, AnotherJournalModeIsAWarning) {
  Intruder(store_.path()).Run("PRAGMA journal_mode=DELETE");
  EXPECT_THAT(Look(), HasFinding(Severity::kWarning, "journal_mode", "delete"));
}

TEST_F(Doctor, DamagedPagesAreAnErrorAndTheRestIsStillLookedAt) {
  const std::int64_t page =
      Intruder(store_.path())
          .Integer(
              "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_audit_log_1'");
  {
    std::fstream file(store_.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((page - 1) * 4096);
    file.write(std::string(64, '\x7F').data(), 64);
  }
  const std::vector<Finding> findings = Look();
  EXPECT_THAT(findings, HasFinding(Severity::kError, "quick_check", ""));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "store_opens", ""));
}

TEST_F(Doctor, AnotherOrMalformedRootKeyIsAnErrorBesideTheOtherFindings) {
  StoreOptions options = store_.Options();
  const std::string other = store_.folder() / "other.key";
  Must(CreateRootKey(other));
  options.roots = {"file:" + other};
  const std::vector<Finding> findings = Diagnose(options);
  EXPECT_THAT(findings, HasFinding(Severity::kError, "store_opens", "not this store's"));
  EXPECT_THAT(findings, HasFinding(Severity::kOk, "quick_check", ""));
  WriteFile(other, "rsroot1abc");
  EXPECT_THAT(Diagnose(options), HasFinding(Severity::kError, "store_opens", "characters after"));
}

TEST_F(Doctor, EditedTrustedRowIsAnError) {
  Intruder(store_.path()).Run("UPDATE kek SET scope = 'other' WHERE id = 1");
  EXPECT_THAT(Look(), HasFinding(Severity::kError, "store_opens", "row 1 of kek"));
}

TEST(DiskSpace, LittleIsAWarningAndNoneAnError) {
  EXPECT_EQ(CheckDiskSpace(kFreeBytesWanted).severity, Severity::kOk);
  EXPECT_EQ(CheckDiskSpace(kFreeBytesWanted - 1).severity, Severity::kWarning);
  EXPECT_EQ(CheckDiskSpace(kFreeBytesNeeded).severity, Severity::kWarning);
  EXPECT_EQ(CheckDiskSpace(kFreeBytesNeeded - 1).severity, Severity::kError);
  EXPECT_GT(FreeBytes("/"), 0U);
  EXPECT_EQ(FreeBytes("/no/such/path"), 0U);
}

TEST(RootPlace, TemporaryFoldersAreKnown) {
  for (const char* path : {"/tmp/a/root.key", "/var/tmp/root.key", "/dev/shm/root.key"}) {
    EXPECT_TRUE(IsTemporaryPlace(path)) << path;
  }
  for (const char* path :
       {"/etc/app/root.key", "/tmpfiles/root.key", "/run/secrets/root", "/tmp"}) {
    EXPECT_FALSE(IsTemporaryPlace(path)) << path;
  }
}

TEST(RootPlace, OneFolderInTheOtherSharesItsBackup) {
  EXPECT_TRUE(ShareABackup("/srv/app", "/srv/app"));
  EXPECT_TRUE(ShareABackup("/srv/app", "/srv/app/data"));
  EXPECT_TRUE(ShareABackup("/srv/app/keys/a", "/srv/app"));
  EXPECT_FALSE(ShareABackup("/srv/app", "/srv/apple"));
  EXPECT_FALSE(ShareABackup("/srv/app/keys", "/srv/app/data"));
  EXPECT_FALSE(ShareABackup("/", "/srv/app"));
  EXPECT_FALSE(ShareABackup("/etc/app", "/"));
}

}  // namespace
}  // namespace rowseal::testing
