#pragma once

#include <cstdint>
#include <string>

#include "migration/scan/column_sample.h"
#include "migration/scan/name_class.h"

namespace rowseal {

/// Judgement is what names and values together say of a column or of a path in its documents.
struct Judgement {
  enum class Verdict : std::uint8_t {
    kNothing,     ///< not worth a word
    kSecrets,     ///< likely
    kDoubtful,    ///< somebody has to look
    kCiphertext,  ///< encrypted by something else
    kSkipped,     ///< found, and not to be moved
  };
  Verdict verdict = Verdict::kNothing;
  std::string reason;             ///< of a verdict other than kSecrets, for people
  Shape cipher = Shape::kBinary;  ///< of kCiphertext: what the values look like
};

/// NameSays is what a name says of values, together with what surrounds it.
enum class NameSays : std::uint8_t {
  kSecrets,  ///< they are secrets
  kMaybe,    ///< what stands around them is called after secrets
  kNothing,
  kNotSecrets,  ///< they are digests, names, times, …
};

NameSays WhatColumnSays(const std::string& table, const std::string& column);

/// WhatPathSays looks at the last name of a path, and at those around it.
NameSays WhatPathSays(const JsonPath& path, NameSays column);

/// Judge weighs them: secrets by their form count whatever the name is; random characters count
/// where the name says so; of the rest nothing counts. Half of the values decide. `named` is how
/// many values stand in rows that are called after a secret.
Judgement Judge(const ValueStatistics& values, NameSays name, std::int64_t named = 0);

/// WhatWasSeen lists the shapes that counted, the most frequent first, each with one masked value:
/// `3 × GitHub token, such as gh…9a (40 characters)`.
std::vector<std::string> WhatWasSeen(const ValueStatistics& values);

}  // namespace rowseal
