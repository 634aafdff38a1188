#pragma once

#include <cstdint>

namespace rowseal {

/// TypeId is the number of a type in the server's catalogue (pg_type.dat); they never change.
using TypeId = std::uint32_t;

inline constexpr TypeId kBool = 16;
inline constexpr TypeId kBytea = 17;
inline constexpr TypeId kChar = 18;
inline constexpr TypeId kName = 19;
inline constexpr TypeId kInt8 = 20;
inline constexpr TypeId kInt2 = 21;
inline constexpr TypeId kInt4 = 23;
inline constexpr TypeId kText = 25;
inline constexpr TypeId kUnknown = 705;
inline constexpr TypeId kByteaArray = 1001;
inline constexpr TypeId kTextArray = 1009;
inline constexpr TypeId kInt8Array = 1016;
inline constexpr TypeId kVarchar = 1043;
inline constexpr TypeId kVoid = 2278;
inline constexpr TypeId kUuid = 2950;

}  // namespace rowseal
