// Each case is a misuse of a secret that must not compile. The test compiles this file once without
// a case, which must succeed, and once for each `#elif`, whose `// error:` line is a pattern that
// the compiler's message must match: failing for another reason is no proof.
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <rowseal/secret_bytes.h>

using rowseal::Bytes;
using rowseal::ByteView;
using rowseal::SecretBuffer;
using rowseal::SecretBytes;

void Take(ByteView) {}
void TakeText(std::string_view) {}

// clang-format off: a pattern stays on its line
void Use(SecretBytes& secret, SecretBytes& other, SecretBuffer& buffer) {
#if defined(CASE_none)
  // What may be done: look, move, clone, compare in constant time.
  Take(secret.Reveal());
  Take(buffer.Reveal());
  static_cast<void>(secret.EqualsInConstantTime(other));
  static_cast<void>(secret.Clone());
  other = std::move(secret);

#elif defined(CASE_print)
  std::cout << secret;  // error: deleted function
#elif defined(CASE_print_to_a_string_stream)
  std::ostringstream text;
  text << secret;  // error: deleted function
#elif defined(CASE_print_buffer)
  std::cerr << buffer;  // error: deleted function
#elif defined(CASE_compare)
  static_cast<void>(secret ==
                    other);  // error: deleted function|overload resolution selected deleted
#elif defined(CASE_compare_unequal)
  static_cast<void>(secret !=
                    other);  // error: deleted function|overload resolution selected deleted
#elif defined(CASE_compare_buffers)
  static_cast<void>(buffer ==
                    buffer);  // error: deleted function|overload resolution selected deleted
#elif defined(CASE_order)
  static_cast<void>(secret < other);  // error: no match for .operator<|invalid operands
#elif defined(CASE_copy)
  const SecretBytes copy = secret;  // error: deleted function|call to deleted constructor
  static_cast<void>(copy);
#elif defined(CASE_copy_assign)
  other = secret;  // error: deleted function|selected deleted operator
#elif defined(CASE_copy_buffer)
  const SecretBuffer copy = buffer;  // error: deleted function|call to deleted constructor
  static_cast<void>(copy);
#elif defined(CASE_hash)
  static_cast<void>(
      std::hash<SecretBytes>{}(secret));  // error: deleted function|call to deleted constructor
#elif defined(CASE_hash_in_a_set)
  std::unordered_set<SecretBytes> set;  // error: deleted function|implicitly-deleted|deleted
  static_cast<void>(set);
#elif defined(CASE_to_string)
  const std::string text = secret;  // error: conversion from .*SecretBytes|no viable conversion
  static_cast<void>(text);
#elif defined(CASE_to_string_by_cast)
  const auto text = std::string(secret);  // error: no matching (function|conversion)
  static_cast<void>(text);
#elif defined(CASE_to_text_view)
  TakeText(secret);  // error: could not convert|no matching function
#elif defined(CASE_to_view)
  Take(secret);  // error: could not convert|no matching function
#elif defined(CASE_buffer_to_view)
  Take(buffer);  // error: could not convert|no matching function
#elif defined(CASE_to_bytes)
  const Bytes bytes = secret;  // error: conversion from .*SecretBytes|no viable conversion
  static_cast<void>(bytes);
#elif defined(CASE_from_bytes)
  const SecretBytes made = Bytes{1, 2, 3};  // error: conversion from|no viable conversion
  static_cast<void>(made);
#elif defined(CASE_write_through_the_view)
  secret.Reveal()[0] = 1;  // error: read-only|not assignable|const-qualified
#elif defined(CASE_take_of_an_lvalue)
  static_cast<void>(
      buffer.Take());  // error: discards qualifiers|not callable|is an lvalue|expects an rvalue
#elif defined(CASE_ignore_a_failed_copy_of_a_key)
  const SecretBytes copy = secret.Clone();  // error: conversion from|no viable conversion
  static_cast<void>(copy);
#else
#error "unknown case"
#endif
}
