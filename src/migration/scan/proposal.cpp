#include "migration/scan/proposal.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "envelope/padding.h"
#include "envelope/sealed_value.h"
#include "migration/manifest.h"
#include "migration/scan/judgement.h"
#include "migration/scan/name_class.h"

namespace rowseal {
namespace {

using Verdict = Proposal::Verdict;

constexpr std::int64_t kSealedTagBytes = 16;
// A column that is to take sealed values takes those of so many bytes, whatever it holds now.
constexpr std::int64_t kLeastRoomBytes = 64;

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

bool IsUnique(const CatalogueTable& table, const std::string& column) {
  return std::ranges::any_of(table.unique_keys, [&](const auto& key) { return Has(key, column); });
}

bool IsReference(const CatalogueTable& table, const std::string& column) {
  return std::ranges::any_of(table.references,
                             [&](const auto& reference) { return reference.column == column; });
}

const CatalogueColumn* ColumnCalled(const CatalogueTable& table, const std::string& name) {
  const auto found = std::ranges::find(table.columns, name, &CatalogueColumn::name);
  return found == table.columns.end() ? nullptr : &*found;
}

// The length of the text that a plaintext of that size becomes.
std::int64_t SealedLength(std::int64_t plaintext_bytes) {
  const auto padded =
      static_cast<std::int64_t>(PaddedSize(static_cast<std::size_t>(plaintext_bytes)));
  const std::int64_t bytes =
      static_cast<std::int64_t>(kSealedValueHeaderSize) + padded + kSealedTagBytes;
  return static_cast<std::int64_t>(kSealedValuePrefix.size()) + (bytes * 4 + 2) / 3;
}

// A name of Rowseal's has no control characters and an end.
std::string AsLabel(std::string text) {
  constexpr std::size_t kLongest = 240;  // bytes; room for a number behind it
  std::ranges::replace_if(
      text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; }, '_');
  if (text.size() <= kLongest && ColumnLabel::Parse(text)) {
    return text;
  }
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return text.substr(0, kLongest);
}

// A template over the columns that tell the rows of one project apart by name; nothing where no
// unique key holds a name.
std::optional<std::string> NameRuleOf(const CatalogueTable& table, const ProjectRule& project,
                                      const std::string& value_column) {
  for (const std::vector<std::string>& key : table.unique_keys) {
    std::string rule;
    bool has_name = false;
    bool fits = true;
    for (const std::string& part : key) {
      if (project.join_table.empty() && part == project.column) {
        continue;
      }
      const CatalogueColumn* const column = ColumnCalled(table, part);
      fits = fits && column != nullptr && part != value_column &&
             part.find_first_of("{}") == std::string::npos;
      has_name = has_name || (fits && column->content == ContentKind::kText && IsNameName(part));
      rule += (rule.empty() ? "{" : "/{") + part + "}";
    }
    if (fits && has_name) {
      return rule;
    }
  }
  return std::nullopt;
}

// Schemas of Supabase's own services, which read and write their tables by themselves.
bool IsPlatformSchema(std::string_view schema) {
  constexpr auto kSchemas = std::to_array<std::string_view>(
      {"auth", "storage", "realtime", "_realtime", "vault", "extensions", "graphql",
       "graphql_public", "net", "cron", "pgsodium", "pgsodium_masks", "supabase_functions",
       "supabase_migrations", "_analytics"});
  return std::ranges::find(kSchemas, schema) != kSchemas.end();
}

void Doubt(Proposal& proposal, std::string reason) {
  if (proposal.verdict == Verdict::kActive) {
    proposal.verdict = Verdict::kDoubtful;
  }
  proposal.reasons.push_back(std::move(reason));
}

// Whether all rows with a value have a project; what was sampled decides.
void DoubtMissingProjects(const ColumnSample& sample, Proposal& proposal) {
  if (sample.without_project() > 0) {
    Doubt(proposal, std::to_string(sample.without_project()) +
                        " of the values stand in rows whose project is NULL");
  }
}

// What a judgement makes of a proposal; false: nothing is to be said.
bool Apply(const Judgement& judgement, const ValueStatistics& values, Proposal& proposal) {
  proposal.seen = WhatWasSeen(values);
  proposal.values = values.total();
  proposal.matched = values.CountOf(ShapeGroup::kSecret) + values.CountOf(ShapeGroup::kRandom) +
                     values.CountOf(ShapeGroup::kOpaque);
  switch (judgement.verdict) {
    case Judgement::Verdict::kNothing:
      return false;
    case Judgement::Verdict::kSecrets:
      break;
    case Judgement::Verdict::kDoubtful:
      Doubt(proposal, judgement.reason);
      break;
    case Judgement::Verdict::kCiphertext:
      Doubt(proposal, judgement.reason);
      proposal.cipher = judgement.cipher;
      break;
    case Judgement::Verdict::kSkipped:
      proposal.verdict = Verdict::kSkipped;
      proposal.reasons.push_back(judgement.reason);
      break;
  }
  const std::int64_t references = values.CountOf(ShapeGroup::kReference);
  if (references > 0 && references < values.total()) {
    proposal.notes.push_back(
        std::to_string(references) +
        " of the values are references in templates already, and are taken too");
  }
  if (proposal.verdict == Verdict::kActive && proposal.matched + references < values.total()) {
    proposal.notes.push_back(std::to_string(values.total() - proposal.matched - references) +
                             " of the values look like something else, and are taken too");
  }
  return true;
}

SecretKind KindOf(const CatalogueTable& table, const CatalogueColumn& column,
                  const ValueStatistics& values) {
  const auto says = [&](std::string_view word) {
    return table.base_name.find(word) != std::string::npos ||
           column.name.find(word) != std::string::npos;
  };
  if (says("webhook") || says("signing") ||
      values.CountOf(Shape::kWebhookSecret) * 2 > values.total()) {
    return SecretKind::kWebhook;
  }
  return says("token") || says("api_key") || says("apikey") ? SecretKind::kAccessToken
                                                            : SecretKind::kWorkflow;
}

}  // namespace

ProposalMaker::ProposalMaker(const std::vector<CatalogueTable>& tables) : tables_(tables) {
  is_supabase_ = std::ranges::any_of(tables, [](const CatalogueTable& table) {
    return table.name == "auth.users" && ColumnCalled(table, "instance_id") != nullptr;
  });
  has_projects_ = std::ranges::any_of(
      tables, [](const CatalogueTable& table) { return IsProjectTableName(table.base_name); });
}

// One label a column, because rotation finds all sealed values of a column under its label.
std::string ProposalMaker::FreeLabel(const CatalogueTable& table, const std::string& column) {
  const std::string schema = table.schema.empty() ? "" : table.schema + ".";
  const std::string wanted = AsLabel(schema + table.base_name + "." + column);
  const std::string place = table.name + "\n" + column;
  std::string label = wanted;
  for (int number = 2; !labels_.try_emplace(label, place).second && labels_[label] != place;
       ++number) {
    label = wanted + "_" + std::to_string(number);
  }
  return label;
}

Proposal ProposalMaker::Begin(const CatalogueTable& table, const CatalogueColumn& column) {
  Proposal proposal;
  proposal.table = table.name;
  proposal.keys = table.primary_key;
  proposal.project = FindProjectRule(table, tables_);
  proposal.column = column.name;
  proposal.type = column.type;
  if (proposal.project.may_be_null) {
    proposal.notes.emplace_back("a row whose project is NULL belongs to none and is not migrated");
  } else if (!proposal.project.fixed.empty() && has_projects_) {
    proposal.notes.emplace_back(
        "nothing in the table leads to a project within one step: all rows go to project system");
  }
  if (!table.update_triggers.empty()) {
    proposal.notes.push_back("an UPDATE of this table fires: " + Printable(table.update_triggers));
  }
  return proposal;
}

std::vector<Proposal> ProposalMaker::Propose(const SampledTable& sampled) {
  std::vector<Proposal> proposals;
  for (std::size_t i = 0; i < sampled.table.columns.size(); ++i) {
    if (std::optional<Proposal> proposal = ProposeColumn(sampled, i)) {
      proposals.push_back(std::move(*proposal));
    }
    ProposePaths(sampled, i, proposals);
  }
  for (Proposal& proposal : proposals) {
    if (proposal.verdict == Verdict::kSkipped) {
      continue;
    }
    if (proposal.mode == Proposal::Mode::kValue) {
      proposal.label = FreeLabel(sampled.table, proposal.column);
    }
    if (proposal.keys.empty()) {
      Doubt(proposal, "the table has no primary key, so that no row of it can be named");
    }
    if (is_supabase_ && IsPlatformSchema(sampled.table.schema)) {
      Doubt(proposal, "the table is one of Supabase's own services, which read it themselves");
    }
  }
  return proposals;
}

std::optional<Proposal> ProposalMaker::ProposeColumn(const SampledTable& sampled,
                                                     std::size_t number) {
  const CatalogueTable& table = sampled.table;
  const CatalogueColumn& column = table.columns[number];
  const NameSays name = WhatColumnSays(table.base_name, column.name);
  Proposal proposal = Begin(table, column);
  if (column.content == ContentKind::kArray) {
    if (name != NameSays::kSecrets) {
      return std::nullopt;
    }
    Doubt(proposal, "the name says secrets, but the type holds several values: give each a row");
    return proposal;
  }
  const std::optional<ColumnSample>& sample = sampled.columns[number];
  const bool holds_documents =
      sample && (column.content == ContentKind::kJson || sample->documents() > 0);
  if (!sample || (holds_documents && sample->values().total() == 0)) {
    return std::nullopt;
  }
  proposal.rows = sample->rows();
  const Judgement judgement = Judge(sample->values(), name, sample->named());
  if (!Apply(judgement, sample->values(), proposal)) {
    return std::nullopt;
  }
  if (sample->too_large() > 0) {
    proposal.notes.push_back(std::to_string(sample->too_large()) +
                             " values of over 1 MiB were not looked at");
  }
  if (proposal.verdict != Verdict::kSkipped) {
    DoubtMissingProjects(*sample, proposal);
    ChoosePlace(sampled, column, *sample, proposal);
  }
  if (holds_documents) {
    Doubt(proposal, "other rows hold JSON documents");
  }
  return proposal;
}

void ProposalMaker::ProposePaths(const SampledTable& sampled, std::size_t number,
                                 std::vector<Proposal>& out) {
  const CatalogueTable& table = sampled.table;
  const CatalogueColumn& column = table.columns[number];
  const std::optional<ColumnSample>& sample = sampled.columns[number];
  if (!sample) {
    return;
  }
  const NameSays column_says = WhatColumnSays(table.base_name, column.name);
  for (const auto& [path, leaf] : sample->leaves()) {
    Proposal proposal = Begin(table, column);
    proposal.path = path;
    proposal.rows = sample->rows();
    if (!Apply(Judge(leaf.strings, WhatPathSays(leaf.path, column_says)), leaf.strings, proposal)) {
      continue;
    }
    if (proposal.verdict != Verdict::kSkipped) {
      DoubtMissingProjects(*sample, proposal);
    }
    if (column.generated) {
      Doubt(proposal, "the column is a generated one");
    }
    if (IsUnique(table, column.name)) {
      Doubt(proposal, "the column is part of a unique key");
    } else if (column.indexed) {
      proposal.notes.push_back("an index covers the column: sealed values are not found by it");
    }
    if (column.checked) {
      proposal.notes.push_back(
          "a CHECK constraint speaks of the column: see that it lets sealed "
          "texts pass");
    }
    out.push_back(std::move(proposal));
  }
  if (sample->has_more_paths()) {
    Proposal proposal = Begin(table, column);
    proposal.verdict = Verdict::kSkipped;
    proposal.reasons.emplace_back(
        "the documents have more paths than were looked at: members may be called after data");
    out.push_back(std::move(proposal));
  }
}

// A table of names and values moves; a column among others is sealed where it stands.
void ProposalMaker::ChoosePlace(const SampledTable& sampled, const CatalogueColumn& column,
                                const ColumnSample& sample, Proposal& proposal) {
  const CatalogueTable& table = sampled.table;
  if (column.generated) {
    Doubt(proposal, "the column is a generated one");
  }
  const bool holds_values = IsValueName(column.name) || HoldsSecretsByName(table.base_name);
  const std::optional<std::string> rule =
      holds_values ? NameRuleOf(table, proposal.project, column.name) : std::nullopt;
  // Two secrets of one row would have one name.
  const auto rivals = std::ranges::count_if(table.columns, [&](const CatalogueColumn& other) {
    return WhatColumnSays(table.base_name, other.name) == NameSays::kSecrets &&
           (other.content == ContentKind::kText || other.content == ContentKind::kBytes) &&
           other.name != column.name;
  });
  if (rule && rivals == 0) {
    proposal.kind = KindOf(table, column, sample.values());
    ChooseMove(table, column, *rule, proposal);
  } else {
    ChooseCell(table, column, sample, proposal);
  }
}

void ProposalMaker::ChooseMove(const CatalogueTable& table, const CatalogueColumn& column,
                               const std::string& name_rule, Proposal& proposal) {
  proposal.mode = Proposal::Mode::kMove;
  proposal.leave = column.nullable ? Proposal::Leave::kNull : Proposal::Leave::kMarker;
  // A name that two tables have would be one secret.
  const std::string prefix = AsLabel(table.base_name);
  const bool has_braces = prefix.find_first_of("{}") != std::string::npos;
  proposal.name_rule = has_moves_ && !has_braces ? prefix + "/" + name_rule : name_rule;
  const bool is_for_secrets = WhatColumnSays(table.base_name, column.name) == NameSays::kSecrets;
  if (!is_for_secrets && proposal.matched < proposal.values) {
    Doubt(proposal, "the table holds other values too, and all would be moved");
  }
  if (IsUnique(table, column.name)) {
    Doubt(proposal, "the column is part of a unique key: the app finds rows by its value");
  } else if (column.indexed) {
    Doubt(proposal, "an index covers the column: the app finds rows by its value");
  }
  const bool is_short = column.max_length && *column.max_length < std::ssize(kMovedMarker);
  if (proposal.leave == Proposal::Leave::kMarker && (column.checked || is_short)) {
    Doubt(proposal, column.checked
                        ? "a CHECK constraint speaks of the column, which cannot be NULL: see that "
                          "it lets a marker pass"
                        : "the column cannot be NULL and is too short for a marker");
  }
  has_moves_ = has_moves_ || proposal.verdict == Verdict::kActive;
}

void ProposalMaker::ChooseCell(const CatalogueTable& table, const CatalogueColumn& column,
                               const ColumnSample& sample, Proposal& proposal) const {
  proposal.mode = Proposal::Mode::kValue;
  proposal.context = ContextKind::kCell;
  if (Has(table.primary_key, column.name)) {
    Doubt(proposal, "the column is part of the primary key");
  } else if (IsUnique(table, column.name)) {
    Doubt(proposal, "the column is part of a unique key: the app finds rows by its value");
  } else if (column.indexed) {
    Doubt(proposal,
          "an index covers the column: the app finds rows by its value, and a sealed "
          "value is another each time");
  }
  if (IsReference(table, column.name)) {
    Doubt(proposal, "the column refers to another table");
  }
  if (column.checked) {
    Doubt(proposal, "a CHECK constraint speaks of the column: see that it lets sealed texts pass");
  }
  const std::int64_t needed = SealedLength(std::max(sample.longest(), kLeastRoomBytes));
  if (column.max_length && *column.max_length < needed) {
    Doubt(proposal, "the column takes " + std::to_string(*column.max_length) +
                        " characters, and sealed values need " + std::to_string(needed) +
                        ": make it text first");
  }
}

}  // namespace rowseal
