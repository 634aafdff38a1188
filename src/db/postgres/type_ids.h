#pragma once

#include <cstdint>

namespace rowseal {

/// TypeId is the number of a type in the server's catalogue (pg_type.dat); they never change.
using TypeId = std::uint32_t;

inline constexpr TypeId kBoolType = 16;
inline constexpr TypeId kByteaType = 17;
inline constexpr TypeId kCharType = 18;
inline constexpr TypeId kNameType = 19;
inline constexpr TypeId kInt8Type = 20;
inline constexpr TypeId kInt2Type = 21;
inline constexpr TypeId kInt4Type = 23;
inline constexpr TypeId kTextType = 25;
inline constexpr TypeId kUnknownType = 705;
inline constexpr TypeId kByteaArrayType = 1001;
inline constexpr TypeId kTextArrayType = 1009;
inline constexpr TypeId kInt8ArrayType = 1016;
inline constexpr TypeId kVarcharType = 1043;
inline constexpr TypeId kVoidType = 2278;
inline constexpr TypeId kUuidType = 2950;

}  // namespace rowseal
