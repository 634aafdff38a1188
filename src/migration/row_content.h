#pragma once

#include <functional>
#include <string>
#include <vector>

#include <rowseal/secret_bytes.h>

#include "migration/manifest.h"
#include "migration/value_decoder.h"
#include "store/app_rows.h"

namespace rowseal {

/// FoundValue is one value in a row's content: all of it, a string of a JSON document, or a part of
/// either.
struct FoundValue {
  std::size_t offset = 0;  ///< of the text that is replaced, in the content
  std::size_t size = 0;
  std::string place;   ///< of a string in JSON, as a path
  SecretBytes value;   ///< what is sealed or moved
  std::string defect;  ///< why it cannot be; empty: it can
};

/// FindValues finds what is not migrated yet in a row's content, in its order, and opens it where
/// the app had encrypted it; `decoder` is null where it had not. Errors: kInvalidArgument (not
/// JSON), kResourceExhausted.
Result<std::vector<FoundValue>> FindValues(const ColumnPlan& plan, const SettledRule& settled,
                                           const ValueDecoder* decoder, const SecretBytes& content);

/// FoundSettled is a value that was migrated: its sealed text, or what a reference names.
struct FoundSettled {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::string place;
  std::string text;  ///< of the whole string
};

/// FindSettled finds sealed values and references in a row's content, in its order. Errors: as
/// FindValues.
Result<std::vector<FoundSettled>> FindSettled(const ColumnPlan& plan, const SettledRule& settled,
                                              const SecretBytes& content);

/// Replacement is a text to stand in a value's place: the string, not yet quoted for JSON.
struct Replacement {
  std::size_t offset = 0;
  std::size_t size = 0;
  SecretBytes text;
};

/// ReplaceValues gives the content with each value exchanged. Errors: kResourceExhausted.
Result<SecretBytes> ReplaceValues(const ColumnPlan& plan, const SecretBytes& content,
                                  const std::vector<Replacement>& replacements);

/// ReferenceTo is the text that a moved value leaves with Leave::kReference.
std::string ReferenceTo(const ColumnPlan& plan, const std::string& name);

/// NameInReference gives the secret's name in such a text, or nothing.
std::optional<std::string> NameInReference(const ColumnPlan& plan, std::string_view text);

}  // namespace rowseal
