#pragma once

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <rowseal/error.h>

namespace rowseal {

/// UnreadRow is a row that was changed outside Rowseal, so that it cannot be given as what it
/// should be.
struct UnreadRow {
  std::string row;      ///< which one, fit to be shown: names are escaped and cut to 80 bytes
  std::string message;  ///< what is wrong with it
};

/// kUnreadHint is what to do about such rows.
inline constexpr const char* kUnreadHint =
    "they were changed outside Rowseal; run `rowseal verify`, then restore the rows from a backup";

/// Listing is a list, and beside it the rows that could not be read: one bad row hides no other.
/// Whoever decides by the whole list (may this key go?) looks at `unreadable` first, so a Listing
/// becomes a plain vector only where TakeReadable says so.
template <class T>
class Listing : private std::vector<T> {
  using Base = std::vector<T>;

 public:
  using Base::back;
  using Base::begin;
  using Base::data;
  using Base::empty;
  using Base::end;
  using Base::front;
  using Base::push_back;
  using Base::size;
  using typename Base::const_iterator;
  using typename Base::const_reference;
  using typename Base::difference_type;
  using typename Base::iterator;
  using typename Base::reference;
  using typename Base::size_type;
  using typename Base::value_type;
  using Base::operator[];

  Listing() = default;
  /// Takes a list of which every row was read.
  explicit Listing(std::vector<T> rows) : Base(std::move(rows)) {}

  std::vector<UnreadRow> unreadable;

  /// rows are those that could be read.
  const std::vector<T>& rows() const noexcept { return *this; }
  /// TakeReadable gives them and forgets the others.
  std::vector<T> TakeReadable() && { return static_cast<Base&&>(*this); }

  /// Keep drops all rows but those that the functions say yes to.
  template <class KeepRow, class KeepUnread>
  void Keep(KeepRow keep_row, KeepUnread keep_unread) {
    std::erase_if(static_cast<Base&>(*this), [&](const T& row) { return !keep_row(row); });
    std::erase_if(unreadable, [&](const UnreadRow& row) { return !keep_unread(row); });
  }

  /// Append adds the next page.
  void Append(Listing page) {
    this->insert(this->end(), std::make_move_iterator(page.begin()),
                 std::make_move_iterator(page.end()));
    unreadable.insert(unreadable.end(), std::make_move_iterator(page.unreadable.begin()),
                      std::make_move_iterator(page.unreadable.end()));
  }

  /// Add takes a row that was read, or notes why it was not. Errors: those that are not the row's
  /// own (other than kIntegrity and kInvalidArgument).
  Result<void> Add(std::string name, Result<T> row) {
    if (row) {
      this->push_back(std::move(*row));
      return {};
    }
    if (row.error().code != ErrorCode::kIntegrity &&
        row.error().code != ErrorCode::kInvalidArgument) {
      return tl::unexpected(std::move(row).error());
    }
    unreadable.push_back({std::move(name), std::move(row).error().message});
    return {};
  }
};

/// CheckAllRead is for whoever needs every row. Errors: kIntegrity, naming the first that could not
/// be read and how many there are.
Result<void> CheckAllRead(const std::vector<UnreadRow>& unreadable);

}  // namespace rowseal
