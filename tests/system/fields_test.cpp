// The names that JavaScript's users see are those that the fields' descriptions give.
#include <rowseal/fields.h>

#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "../bindings/node/native/naming.h"
#include "support/paths.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

using Names = std::set<std::string>;

template <class T>
inline constexpr bool kIsTimeField =
    std::is_same_v<T, Timestamp> || std::is_same_v<T, std::optional<Timestamp>>;

template <class T>
Names NamesIn(const T& value) {
  Names names;
  Describe(value, [&](std::string_view name, const auto& member) {
    names.insert(node::JavaScriptName(name, kIsTimeField<std::remove_cvref_t<decltype(member)>>));
  });
  return names;
}

// The members of `export interface NAME { … }`.
Names DeclaredIn(const std::string& declarations, const std::string& name) {
  std::smatch body;
  const std::regex interface("interface " + name + " \\{([^}]*)\\}");
  if (!std::regex_search(declarations, body, interface)) {
    return {"no interface " + name};
  }
  Names names;
  const std::string members = body[1];
  const std::regex member("(\\w+)\\??: ");
  for (std::sregex_iterator at(members.begin(), members.end(), member), end; at != end; ++at) {
    names.insert((*at)[1].str());
  }
  return names;
}

TEST(Fields, AreDeclaredToTypeScriptAsTheyAreDescribed) {
  const std::string declarations = ReadFile(ROWSEAL_SOURCE_DIR "/bindings/node/index.d.ts");
  const auto expect = [&](const std::string& interface, const Names& described) {
    EXPECT_EQ(DeclaredIn(declarations, interface), described) << interface;
  };
  const SecretName name = Must(SecretName::Parse("n"));
  const ColumnLabel label = Must(ColumnLabel::Parse("l"));
  expect("Summary", NamesIn(SecretSummary{name, {}, {}, {}, {}, {}, {}, {}}));
  expect("VersionSummary", NamesIn(VersionSummary{}));
  expect("Column", NamesIn(ColumnSummary{label, {}, {}, {}, {}}));
  expect("ColumnSource", NamesIn(ColumnSource{}));
  expect("AuditEntry", NamesIn(AuditEntry{}));
  expect("Kek", NamesIn(KekSummary{}));
  expect("Root", NamesIn(RootSummary{}));
  expect("AddedRoot", NamesIn(AddedRoot{}));
  expect("CompromisedRoot", NamesIn(CompromisedRoot{}));
  expect("RotationReport", NamesIn(RotationReport{}));
  expect("Job", NamesIn(JobSummary{}));
  expect("JobsReport", NamesIn(JobsReport{}));
  expect("DestructionReport", NamesIn(DestructionReport{}));
  expect("MaintainReport", NamesIn(MaintainReport{}));
  expect("KekCompromise", NamesIn(KekCompromise{}));
  expect("KekDestruction", NamesIn(KekDestruction{}));
  expect("ProjectRetirement", NamesIn(ProjectRetirement{}));
  expect("KeyBundle", NamesIn(KeyBundle{}));
  expect("KekToDestroy", NamesIn(PlannedDestruction{}));
  expect("Status", NamesIn(StatusReport{}));
  Names rotation = NamesIn(DekRotation{});
  rotation.merge(NamesIn(JobsReport{}));
  expect("DekRotationReport", rotation);
}

TEST(Fields, TimesHaveTheNamesOfTimesInJavaScript) {
  EXPECT_EQ(node::JavaScriptName("created_at", true), "createdAt");
  EXPECT_EQ(node::JavaScriptName("at", true), "at");
  EXPECT_EQ(node::JavaScriptName("due", true), "dueAt");
  EXPECT_EQ(node::JavaScriptName("kek_rotation_due", true), "kekRotationDueAt");
  EXPECT_EQ(node::JavaScriptName("destroyed", false), "destroyed");
}

}  // namespace
}  // namespace rowseal::testing
