#pragma once

#include <string>
#include <vector>

#include <libpq-fe.h>

#include <rowseal/error.h>
#include <rowseal/statement.h>

namespace rowseal {

/// WireParams are a statement's parameters as libpq takes them. Numbers, bytes and arrays go in
/// binary; texts go as they are, with the type that the server finds for their place, so that a
/// uuid column takes one. The views into `params` and into this object end with either.
class WireParams final {
 public:
  explicit WireParams(const std::vector<Param>& params);
  WireParams(const WireParams&) = delete;
  WireParams& operator=(const WireParams&) = delete;

  /// AddBoolean adds one more parameter behind the others.
  void AddBoolean(bool value);

  int count() const noexcept { return static_cast<int>(types_.size()); }
  const Oid* types() const noexcept { return types_.data(); }
  const char* const* values() const noexcept { return values_.data(); }
  const int* lengths() const noexcept { return lengths_.data(); }
  const int* formats() const noexcept { return formats_.data(); }

 private:
  void AddBinary(Oid type, std::string bytes);
  void Add(Oid type, const char* value, std::size_t size, int format);

  std::vector<std::string> owned_;  // reserved once: its elements stay where they are
  std::vector<Oid> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

/// ReadRows takes the rows of a result that came in binary. Booleans become 0 and 1, uuids their
/// canonical text. Errors: kInternal (a type that Rowseal's statements never give), kIntegrity (a
/// value that is larger than any of Rowseal's; it is not copied).
Result<Rows> ReadRows(const PGresult* result, Procedure procedure);

/// WipeRows overwrites the rows in a result with zeros, before it is freed.
void WipeRows(PGresult* result) noexcept;

}  // namespace rowseal
