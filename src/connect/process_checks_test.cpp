// Each defect of a process or a machine, planted as a fact, becomes its finding.
#include "connect/process_checks.h"

#include <limits>

#include <gtest/gtest.h>

namespace rowseal {
namespace {

ProcessFacts Healthy() {
  ProcessFacts facts;
  facts.lock_limit_bytes = 8 * kLockWantedBytes;
  facts.core_pattern = "core";
  facts.swaps = "Filename\tType\tSize\tUsed\tPriority\n";
  facts.now = Timestamp(std::chrono::sys_days{std::chrono::year{2027} / 5 / 1});
  return facts;
}

void ExpectFinding(const Finding& finding, Severity severity, const std::string& text) {
  EXPECT_EQ(ToText(finding.severity), ToText(severity)) << finding.message;
  EXPECT_NE(finding.message.find(text), std::string::npos) << finding.message;
  EXPECT_EQ(finding.action.empty(), severity == Severity::kOk) << finding.message;
}

TEST(ProcessChecks, HealthyFactsAreOk) {
  const ProcessFacts facts = Healthy();
  for (const Finding& finding :
       {CheckMemoryLock(facts), CheckCoreDumps(facts), CheckSwap(facts), CheckClock(facts)}) {
    ExpectFinding(finding, Severity::kOk, "");
  }
}

TEST(ProcessChecks, MemoryThatIsNotOrMayNotBeLockedIsAWarning) {
  ProcessFacts facts = Healthy();
  facts.lock_limit_bytes = kLockWantedBytes - 1;
  ExpectFinding(CheckMemoryLock(facts), Severity::kWarning, "only 1023 KiB may be locked");
  facts.may_lock_anything = true;
  ExpectFinding(CheckMemoryLock(facts), Severity::kOk, "none");
  facts.secrets_locked = false;
  ExpectFinding(CheckMemoryLock(facts), Severity::kWarning, "could not be locked");
}

TEST(ProcessChecks, CoreFilesAndPipesAreWarnings) {
  ProcessFacts facts = Healthy();
  facts.core_limit_bytes = std::numeric_limits<std::uint64_t>::max();
  ExpectFinding(CheckCoreDumps(facts), Severity::kWarning, "unlimited");
  facts.core_limit_bytes = 0;
  facts.core_pattern = "|/usr/lib/systemd/systemd-coredump %P";
  ExpectFinding(CheckCoreDumps(facts), Severity::kWarning, "systemd-coredump");
  facts.core_limit_bytes = 1;
  ExpectFinding(CheckCoreDumps(facts), Severity::kOk, "no core file");
  facts.core_limit_bytes = 1'000'000;
  facts.dumpable = false;
  ExpectFinding(CheckCoreDumps(facts), Severity::kOk, "no core file");
}

TEST(ProcessChecks, SwapOnADiskIsAWarningAndCompressedMemoryIsNone) {
  ProcessFacts facts = Healthy();
  facts.swaps += "/dev/zram0 partition 8388604 0 100\n";
  ExpectFinding(CheckSwap(facts), Severity::kOk, "no swap");
  facts.swaps += "/dev/dm-1 partition 1048576 0 -2\n/swap\\040file file 1024 0 -3\n";
  ExpectFinding(CheckSwap(facts), Severity::kWarning, "(/dev/dm-1, /swap\\040file)");
}

TEST(ProcessChecks, ClockThatCannotBeRightIsAnError) {
  ProcessFacts facts = Healthy();
  facts.now = Timestamp{};
  ExpectFinding(CheckClock(facts), Severity::kError, "before this release");
  facts.now = Timestamp(std::chrono::sys_days{std::chrono::year{2100} / 1 / 1});
  ExpectFinding(CheckClock(facts), Severity::kError, "after the year 2099");
}

TEST(ProcessChecks, FactsAreReadFromThisProcess) {
  const ProcessFacts facts = ReadProcessFacts(Healthy().now);
  EXPECT_FALSE(facts.core_pattern.empty());
  EXPECT_EQ(facts.core_pattern.find('\n'), std::string::npos);
  EXPECT_TRUE(facts.dumpable);  // a test may be debugged
}

}  // namespace
}  // namespace rowseal
