#include "migration/scan/judgement.h"

#include <algorithm>

namespace rowseal {
namespace {

// The most frequent shape of a group.
Shape MostFrequent(const ValueStatistics& values, ShapeGroup group) {
  auto most = Shape::kBinary;
  std::int64_t count = -1;
  for (std::size_t i = 0; i < kShapeCount; ++i) {
    const auto shape = static_cast<Shape>(i);
    if (GroupOf(shape) == group && values.CountOf(shape) > count) {
      most = shape;
      count = values.CountOf(shape);
    }
  }
  return most;
}

Judgement JudgeCounts(const ValueStatistics& values, NameSays name, std::int64_t named,
                      std::int64_t counted) {
  const auto is_half = [&](std::int64_t count) { return count > 0 && count * 2 >= counted; };
  const std::int64_t secrets = values.CountOf(ShapeGroup::kSecret);
  const std::int64_t random = secrets + values.CountOf(ShapeGroup::kRandom);
  const std::int64_t opaque = random + values.CountOf(ShapeGroup::kOpaque);
  const std::string ordinary(NameOf(MostFrequent(values, ShapeGroup::kOrdinary)));
  if (is_half(secrets)) {
    return {Judgement::Verdict::kSecrets, {}};
  }
  if (name == NameSays::kSecrets && is_half(opaque)) {
    const bool are_bytes = values.CountOf(Shape::kRandomBytes) * 2 >= counted;
    return are_bytes ? Judgement{Judgement::Verdict::kCiphertext,
                                 "the values are random bytes: keys as they are, or ciphertext",
                                 Shape::kRandomBytes}
                     : Judgement{Judgement::Verdict::kSecrets, {}};
  }
  if (name == NameSays::kMaybe && is_half(random)) {
    return {Judgement::Verdict::kSecrets, {}};
  }
  if (named == counted) {
    return {Judgement::Verdict::kSecrets, {}};
  }
  if (secrets > 0 || named > 0) {
    return {Judgement::Verdict::kDoubtful,
            "only some of the values look like secrets, and all would be taken"};
  }
  if (name == NameSays::kSecrets) {
    return {Judgement::Verdict::kDoubtful,
            "the name says secrets, but most values look like this: " + ordinary};
  }
  if (name == NameSays::kMaybe && is_half(opaque)) {
    return {Judgement::Verdict::kDoubtful,
            "what is around it is called after secrets; the values may be any"};
  }
  // Random bytes are mostly digests and tags.
  const std::int64_t random_texts = random - values.CountOf(Shape::kRandomBytes);
  if (name == NameSays::kNothing && is_half(random_texts)) {
    return {Judgement::Verdict::kDoubtful,
            "the values look random, but the name does not say that they are secret"};
  }
  return {};
}

}  // namespace

NameSays WhatColumnSays(const std::string& table, const std::string& column) {
  switch (ClassifyName(column)) {
    case NameClass::kTelling:
      return NameSays::kSecrets;
    case NameClass::kHash:
    case NameClass::kIdentifier:
      return NameSays::kNotSecrets;
    case NameClass::kPlain:
      break;
  }
  return HoldsSecretsByName(table) && IsValueName(column) ? NameSays::kSecrets : NameSays::kNothing;
}

NameSays WhatPathSays(const JsonPath& path, NameSays column) {
  constexpr std::ptrdiff_t kNear = 2;  // names around the last one that are looked at
  std::vector<std::string> names;
  for (const JsonStep& step : path) {
    if (step.kind == JsonStep::Kind::kName) {
      names.push_back(step.name);
    }
  }
  if (names.empty()) {
    return column;
  }
  switch (ClassifyName(names.back())) {
    case NameClass::kTelling:
      return NameSays::kSecrets;
    case NameClass::kHash:
    case NameClass::kIdentifier:
      return NameSays::kNotSecrets;
    case NameClass::kPlain:
      break;
  }
  const auto near = std::min<std::ptrdiff_t>(kNear, std::ssize(names) - 1);
  const bool is_near = std::any_of(names.end() - 1 - near, names.end() - 1, HoldsSecretsByName);
  const bool holds = is_near || column == NameSays::kSecrets;
  if (holds && IsValueName(names.back())) {
    return NameSays::kSecrets;
  }
  return holds ? NameSays::kMaybe : NameSays::kNothing;
}

Judgement Judge(const ValueStatistics& values, NameSays name, std::int64_t named) {
  const std::int64_t counted = values.total() - values.CountOf(ShapeGroup::kReference);
  const auto is_half = [&](std::int64_t count) { return count > 0 && count * 2 >= counted; };
  if (counted == 0) {
    const bool is_worth_a_word = name == NameSays::kSecrets;
    if (!is_worth_a_word) {
      return {};
    }
    return values.total() == 0 ? Judgement{Judgement::Verdict::kDoubtful,
                                           "the name says secrets, but no value was seen"}
                               : Judgement{Judgement::Verdict::kSkipped,
                                           "all values are references in templates already"};
  }
  const std::int64_t sealed = values.CountOf(ShapeGroup::kSealed);
  if (is_half(sealed)) {
    return sealed == counted ? Judgement{Judgement::Verdict::kSkipped,
                                         "the values are sealed or moved by Rowseal already"}
                             : Judgement{Judgement::Verdict::kDoubtful,
                                         "most values are sealed or moved by Rowseal already"};
  }
  if (is_half(values.CountOf(ShapeGroup::kCiphertext))) {
    const Shape cipher = MostFrequent(values, ShapeGroup::kCiphertext);
    return {Judgement::Verdict::kCiphertext,
            "the values are encrypted: " + std::string(NameOf(cipher)), cipher};
  }
  if (is_half(values.CountOf(ShapeGroup::kHashed))) {
    return {Judgement::Verdict::kSkipped,
            "password hashes are no secrets to move: nobody opens them, and whoever checks a "
            "password needs them as they are"};
  }
  return JudgeCounts(values, name, named, counted);
}

std::vector<std::string> WhatWasSeen(const ValueStatistics& values) {
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < kShapeCount; ++i) {
    if (values.CountOf(static_cast<Shape>(i)) > 0) {
      shapes.push_back(static_cast<Shape>(i));
    }
  }
  std::ranges::stable_sort(shapes,
                           [&](Shape a, Shape b) { return values.CountOf(a) > values.CountOf(b); });
  std::vector<std::string> lines;
  lines.reserve(shapes.size());
  for (const Shape shape : shapes) {
    lines.push_back(std::to_string(values.CountOf(shape)) + " × " + std::string(NameOf(shape)) +
                    ", such as " + values.Example(shape));
  }
  return lines;
}

}  // namespace rowseal
