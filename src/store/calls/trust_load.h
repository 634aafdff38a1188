#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// TrustLoad reads the trusted rows of one moment: the installation, roots, KEKs, wrappings
/// and floors. Claims, until a Keyring adopts them.
struct TrustLoad {
  static constexpr Procedure kProcedure = Procedure::kTrustLoad;
  static constexpr std::string_view kName = "trust_load";
  static constexpr Effect kEffect = Effect::kNone;

  struct Request {
    using Call = TrustLoad;
  };
  /// The rows of five tables in one shape: the table's name, then its numbers, texts and bytes,
  /// each kind from left to right.
  static constexpr std::size_t kNumbers = 5;
  static constexpr std::size_t kTexts = 4;
  static constexpr std::size_t kBytes = 3;
  using Row = void;
  using Answer = TrustRows;
};

constexpr auto FieldsOf(const TrustLoad::Request*) { return std::tuple{}; }

/// Decode errors: kIntegrity (no or several installations, a row that is there twice, or one that
/// Rowseal does not write; each names it).
Result<TrustRows> Decode(const TrustLoad::Request& request, Rows rows);

/// AskTrust is the statement.
inline Statement AskTrust() { return Encode(std::make_shared<const TrustLoad::Request>()); }

/// TrustLoadSql selects the rows in that shape, from tables of the schema `prefix` (`rowseal.`).
std::string TrustLoadSql(std::string_view prefix);

/// OldTrustLoadSql selects those that a store had before format 3, which had no floors.
std::string OldTrustLoadSql(std::string_view prefix);

}  // namespace rowseal
