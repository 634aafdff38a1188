#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <rowseal/bytes.h>

namespace rowseal {

/// BigEndian gives a bigint as PostgreSQL reads it in binary.
std::string BigEndian(std::int64_t value);

/// ArrayBytes gives a one-dimensional array as PostgreSQL's array_recv reads it: of bigint (where
/// the smallest number stands for NULL: kNoValue), of text, or of bytea.
std::string ArrayBytes(const std::vector<std::int64_t>& items);
std::string ArrayBytes(const std::vector<std::string>& items);
std::string ArrayBytes(const std::vector<Bytes>& items);
std::string ArrayBytes(const std::vector<ByteView>& items);

}  // namespace rowseal
