#include "migration/row_content.h"

#include "memory/wipe.h"
#include "migration/json_path.h"
#include "migration/secret_writer.h"

namespace rowseal {
namespace {

constexpr std::size_t kLargestContent = 64U * 1024 * 1024;
constexpr std::string_view kReferenceBegin = "{{secrets.";
constexpr std::string_view kReferenceEnd = "}}";

std::string_view TextOfContent(const SecretBytes& content) { return AsText(content.Reveal()); }

void WipeText(std::string& text) {
  Wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

bool IsSettled(const SettledRule& rule, std::string_view text) {
  return text.empty() || (!rule.prefix.empty() && text.starts_with(rule.prefix)) ||
         (!rule.marker.empty() && text == rule.marker) ||
         (!rule.reference.empty() && text.find(rule.reference) != std::string_view::npos);
}

bool IsOurs(const SettledRule& rule, std::string_view text) {
  return (!rule.prefix.empty() && text.starts_with(rule.prefix)) ||
         (!rule.reference.empty() && text.find(rule.reference) != std::string_view::npos);
}

Result<FoundValue> Found(const ColumnPlan& plan, const ValueDecoder* decoder, std::size_t offset,
                         std::size_t size, std::string place, std::string_view text) {
  FoundValue found{offset, size, std::move(place), {}, {}};
  const bool fits = text.size() > plan.before.size() + plan.behind.size() &&
                    text.starts_with(plan.before) && text.ends_with(plan.behind);
  if (!fits) {
    found.defect = "it does not have the pattern's form";
    return found;
  }
  const std::string_view secret =
      text.substr(plan.before.size(), text.size() - plan.before.size() - plan.behind.size());
  if (decoder == nullptr) {
    ROWSEAL_ASSIGN(found.value, SecretBytes::CopyOf(AsBytes(secret)));
    return found;
  }
  Result<SecretBytes> opened = decoder->Decode(AsBytes(secret));
  if (opened) {
    found.value = std::move(*opened);
  } else if (opened.error().code == ErrorCode::kIntegrity) {
    found.defect = opened.error().message;
  } else {
    return tl::unexpected(std::move(opened).error());
  }
  return found;
}

}  // namespace

Result<std::vector<FoundValue>> FindValues(const ColumnPlan& plan, const SettledRule& settled,
                                           const ValueDecoder* decoder,
                                           const SecretBytes& content) {
  const std::string_view text = TextOfContent(content);
  std::vector<FoundValue> values;
  if (!plan.path) {
    if (!IsSettled(settled, text)) {
      ROWSEAL_ASSIGN(FoundValue found, Found(plan, decoder, 0, text.size(), {}, text));
      values.push_back(std::move(found));
    }
    return values;
  }
  ROWSEAL_ASSIGN(std::vector<JsonString> strings, FindJsonStrings(text, *plan.path));
  for (JsonString& string : strings) {
    const std::string_view said = TextOfContent(string.text);
    if (!IsSettled(settled, said)) {
      ROWSEAL_ASSIGN(FoundValue found, Found(plan, decoder, string.offset, string.size,
                                             std::move(string.place), said));
      values.push_back(std::move(found));
    }
  }
  return values;
}

Result<std::vector<FoundSettled>> FindSettled(const ColumnPlan& plan, const SettledRule& settled,
                                              const SecretBytes& content) {
  const std::string_view text = TextOfContent(content);
  std::vector<FoundSettled> found;
  if (!plan.path) {
    if (IsOurs(settled, text)) {
      found.push_back({0, text.size(), {}, std::string(text)});
    }
    return found;
  }
  ROWSEAL_ASSIGN(std::vector<JsonString> strings, FindJsonStrings(text, *plan.path));
  for (JsonString& string : strings) {
    const std::string_view said = TextOfContent(string.text);
    if (IsOurs(settled, said)) {
      found.push_back({string.offset, string.size, std::move(string.place), std::string(said)});
    }
  }
  return found;
}

Result<SecretBytes> ReplaceValues(const ColumnPlan& plan, const SecretBytes& content,
                                  const std::vector<Replacement>& replacements) {
  const std::string_view text = TextOfContent(content);
  SecretWriter out(kLargestContent);
  std::size_t from = 0;
  for (const Replacement& replacement : replacements) {
    ROWSEAL_TRY(out.Append(text.substr(from, replacement.offset - from)));
    const std::string_view value = TextOfContent(replacement.text);
    if (plan.path) {
      std::string quoted = JsonQuoted(value);
      const Result<void> appended = out.Append(quoted);
      WipeText(quoted);
      ROWSEAL_TRY(appended);
    } else {
      ROWSEAL_TRY(out.Append(value));
    }
    from = replacement.offset + replacement.size;
  }
  ROWSEAL_TRY(out.Append(text.substr(from)));
  return std::move(out).Take();
}

std::string ReferenceTo(const ColumnPlan& plan, const std::string& name) {
  return plan.before + std::string(kReferenceBegin) + name + std::string(kReferenceEnd) +
         plan.behind;
}

std::optional<std::string> NameInReference(const ColumnPlan& plan, std::string_view text) {
  const bool fits = text.size() >= plan.before.size() + plan.behind.size() &&
                    text.starts_with(plan.before) && text.ends_with(plan.behind);
  if (!fits) {
    return std::nullopt;
  }
  text = text.substr(plan.before.size(), text.size() - plan.before.size() - plan.behind.size());
  if (!text.starts_with(kReferenceBegin) || !text.ends_with(kReferenceEnd)) {
    return std::nullopt;
  }
  text.remove_prefix(kReferenceBegin.size());
  text.remove_suffix(kReferenceEnd.size());
  return std::string(text);
}

}  // namespace rowseal
