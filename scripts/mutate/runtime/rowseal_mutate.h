// What planted faults call. One fault is on at a time: the one whose number is in ROWSEAL_FAULT. A
// fault is noted as reached only where it would make a difference: a comparison whose two readings
// agree cannot be noticed, so no test is run for it.
#pragma once
#pragma GCC system_header

#include <type_traits>
#include <utility>

#include <rowseal/error.h>

namespace rowseal_mutate {

extern const int kActive;    // -1: none
void Note(int id) noexcept;  // writes to the file in ROWSEAL_FAULT_TRACE, if there is one

inline bool On(int id) noexcept {
  Note(id);
  return id == kActive;
}

inline int One(int id) noexcept { return On(id) ? 1 : 0; }
inline bool Negated(int id, bool value) noexcept { return On(id) != value; }
inline bool Never(int id, bool value) noexcept { return value && !On(id); }
inline bool Always(int id, bool value) noexcept { return value || On(id); }
inline bool Chosen(int id, bool value, bool other) noexcept {
  return value == other || !On(id) ? value : other;
}

template <class T>
T Swapped(int id, T value, T other) noexcept {
  return On(id) ? other : value;
}

template <class R>
rowseal::Result<void> Ignored(int id, R&& result) {
  if (result || On(id)) {
    return {};
  }
  return tl::unexpected<rowseal::Error>(std::forward<R>(result).error());
}

// `a < b` is planted as `a < Less{id} > b`: both signs bind equally, so no parser has to know where
// a and b begin and end.
#define ROWSEAL_MUTATE_COMPARISON(name, first, second, other)        \
  struct name {                                                      \
    int id;                                                          \
  };                                                                 \
  template <class T>                                                 \
  struct name##Of {                                                  \
    const T& left;                                                   \
    int id;                                                          \
  };                                                                 \
  template <class T>                                                 \
  name##Of<T> operator first(const T& left, name fault) noexcept {   \
    return {left, fault.id};                                         \
  }                                                                  \
  template <class T, class U>                                        \
  bool operator second(const name##Of<T>& pair, const U& right) {    \
    return Chosen(pair.id, static_cast<bool>(pair.left first right), \
                  static_cast<bool>(pair.left other right));         \
  }
ROWSEAL_MUTATE_COMPARISON(Less, <, >, <=)
ROWSEAL_MUTATE_COMPARISON(LessEqual, <=, >, <)
ROWSEAL_MUTATE_COMPARISON(Greater, >, >, >=)
ROWSEAL_MUTATE_COMPARISON(GreaterEqual, >=, >, >)
ROWSEAL_MUTATE_COMPARISON(Equal, ==, ==, !=)
ROWSEAL_MUTATE_COMPARISON(Unequal, !=, ==, ==)
#undef ROWSEAL_MUTATE_COMPARISON

}  // namespace rowseal_mutate
