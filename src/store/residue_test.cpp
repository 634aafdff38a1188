#include "store/residue.h"

#include <gtest/gtest.h>

#include "support/test_store.h"

namespace rowseal::testing {
namespace {

std::vector<SecretBytes> Values(std::initializer_list<std::string_view> texts) {
  std::vector<SecretBytes> values;
  for (const std::string_view text : texts) {
    values.push_back(Must(SecretBytes::CopyOf(AsBytes(text))));
  }
  return values;
}

TEST(ResidueSearch, FindsEachPlaceOnceAndShortValuesNever) {
  const auto values = Values({"canary-0001", "canary-0001 longer", "short", ""});
  ResidueSearch search(values);
  EXPECT_EQ(search.values(), 2U);
  EXPECT_EQ(search.SearchText(AsBytes("xcanary-0001 longercanary-0001 short")), 3);
  EXPECT_EQ(search.SearchText(AsBytes("canary-000")), 0);
  EXPECT_EQ(search.SearchText(AsBytes("")), 0);
}

TEST(ResidueSearch, FindsWhatLiesAcrossTheChunksOfAFile) {
  const auto values = Values({"canary-across", "another-canary"});
  const TempFolder folder;
  for (const std::size_t before : {(1U << 20U) - 13, (1U << 20U) - 12, (1U << 20U) - 6,
                                   (1U << 20U) - 1, 1U << 20U, (2U << 20U) - 3}) {
    WriteFile(folder / "file", std::string(before, 'x') + "canary-across" + std::string(100, 'y') +
                                   "another-canary");
    ResidueSearch search(values);
    EXPECT_EQ(Must(search.SearchFile(folder / "file")), 2) << before;
    EXPECT_EQ(search.bytes(), static_cast<std::int64_t>(before + 13 + 100 + 14));
  }
  ResidueSearch search(values);
  EXPECT_THAT(search.SearchFile(folder / "none"), FailsWith(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace rowseal::testing
