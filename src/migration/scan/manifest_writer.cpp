#include "migration/scan/manifest_writer.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace rowseal {
namespace {

std::string TomlList(const std::vector<std::string>& texts) {
  return "[" + Join(texts, ", ", TomlText) + "]";
}

std::string ProjectText(const ProjectRule& rule) {
  if (!rule.fixed.empty()) {
    return "{ fixed = " + TomlText(rule.fixed) + " }";
  }
  if (rule.join_table.empty()) {
    return "{ column = " + TomlText(rule.column) + " }";
  }
  return "{ join = " + TomlText(rule.join_table) + ", on = " + TomlText(rule.join_on) +
         ", key = " + TomlText(rule.join_key) + ", column = " + TomlText(rule.column) + " }";
}

bool AreUtf8(const Proposal& proposal) {
  return IsUtf8(proposal.table) && IsUtf8(proposal.column) && IsUtf8(proposal.path) &&
         IsUtf8(ProjectText(proposal.project)) && std::ranges::all_of(proposal.keys, IsUtf8) &&
         IsUtf8(proposal.name_rule);
}

// How values are opened that something else encrypted, as far as their look tells.
std::string SourceOf(Shape cipher) {
  std::string format;
  switch (cipher) {
    case Shape::kGcmCipher:
      format =
          "format = \"node-gcm\"\nencoding = \"hex\"\n"
          "layout = \"iv:tag:ciphertext\"  # or iv:ciphertext:tag, as the app writes it\n";
      break;
    case Shape::kCbcCipher:
      format = "format = \"aes-256-cbc\"\nencoding = \"hex\"\nlayout = \"iv:ciphertext\"\n";
      break;
    case Shape::kOpenSslCipher:
      format =
          "format = \"openssl\"\n"
          "kdf = \"md5\"  # CryptoJS and old openssl; sha256 for later ones, or pbkdf2\n";
      break;
    case Shape::kPrefixedCipher:
      format =
          "format = \"node-gcm\"  # or aes-256-cbc, openssl\n"
          "prefix = \"\"  # fill in: what stands before every value\n"
          "encoding = \"base64\"  # or base64url, hex\n"
          "layout = \"iv:tag:ciphertext\"  # as the app writes it\n";
      break;
    default:
      format =
          "format = \"\"  # fill in: node-gcm, aes-256-cbc or openssl; what is none of them has to "
          "be decrypted first\n";
      break;
  }
  return "[column.source]\n" + format +
         "key = \"\"  # fill in: env:NAME or file:PATH; key_encoding and key_hash say more\n";
}

std::string BlockOf(const Proposal& proposal) {
  std::string block = "[[column]]\ntable = " + TomlText(proposal.table) +
                      "\nkeys = " + TomlList(proposal.keys) +
                      "\nproject = " + ProjectText(proposal.project) +
                      "\ncolumn = " + TomlText(proposal.column) + "\n";
  if (!proposal.path.empty()) {
    block += "path = " + TomlText(proposal.path) + "\n";
  }
  if (!proposal.cipher) {
    block += "format = \"plain\"\n";
  }
  if (proposal.mode == Proposal::Mode::kValue) {
    block += "mode = \"value\"\nlabel = " + TomlText(proposal.label) + "\ncontext = \"" +
             std::string(ToText(proposal.context)) + "\"\n";
  } else {
    block += "mode = \"move\"\nkind = \"" + std::string(ToText(proposal.kind)) +
             "\"\nname_rule = " + TomlText(proposal.name_rule) + "\nleave = \"" +
             (proposal.leave == Proposal::Leave::kNull ? "null" : "marker") + "\"\n";
  }
  return block + (proposal.cipher ? SourceOf(*proposal.cipher) : "");
}

std::string CommentedOut(const std::string& block) {
  std::string text;
  for (std::size_t at = 0; at < block.size();) {
    const std::size_t end = block.find('\n', at);
    text += "# " + block.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text;
}

std::string HeadingOf(const Proposal& proposal) {
  std::string heading = "# " + Printable(proposal.table) + ", column " + Printable(proposal.column);
  if (!proposal.type.empty()) {
    heading += " (" + Printable(proposal.type) + ")";
  }
  if (!proposal.path.empty()) {
    heading += ", strings at " + Printable(proposal.path);
  }
  return heading + "\n";
}

std::string TextOf(const Proposal& proposal) {
  std::string text = HeadingOf(proposal);
  if (proposal.rows > 0) {
    text += "#   " + std::to_string(proposal.matched) + " of " + std::to_string(proposal.values) +
            " values in " + std::to_string(proposal.rows) + " sampled rows may be secrets\n";
  }
  constexpr std::size_t kMostShapes = 8;
  for (std::size_t i = 0; i < proposal.seen.size() && i < kMostShapes; ++i) {
    text += "#   " + proposal.seen[i] + "\n";
  }
  for (const std::string& note : proposal.notes) {
    text += "#   Note: " + note + ".\n";
  }
  const std::string_view why =
      proposal.verdict == Proposal::Verdict::kSkipped ? "Left out" : "Not active";
  for (const std::string& reason : proposal.reasons) {
    text += "#   " + std::string(why) + ": " + reason + ".\n";
  }
  if (proposal.verdict == Proposal::Verdict::kSkipped) {
    return text;
  }
  if (!AreUtf8(proposal)) {
    return text + "#   Not active: a name is no UTF-8, which a manifest cannot hold.\n";
  }
  const std::string block = BlockOf(proposal);
  return text + (proposal.verdict == Proposal::Verdict::kActive ? block : CommentedOut(block));
}

std::string IntroductionOf(const ScanReport& report, const std::string& database) {
  std::string text =
      "# A first manifest for " + Printable(database) +
      ", proposed by `rowseal scan` from names and\n"
      "# a sample of the rows. Read it before you run it: a scan guesses, in both directions.\n"
      "#\n"
      "# Each [[column]] is migrated. What is doubtful is commented out, with the reason; take out "
      "its\n"
      "# `# ` to migrate it. Values are masked: the first and last two characters of texts of over "
      "12.\n"
      "# Tables looked at: " +
      std::to_string(report.tables) + "\n";
  if (!report.gaps.empty()) {
    text +=
        "#\n# NOT EVERYTHING WAS SEEN. What stands here may hold secrets too; scan again with a "
        "login\n"
        "# that owns the tables or has BYPASSRLS:\n";
    for (const ScanGap& gap : report.gaps) {
      text += "#   " + Printable(gap.place) + ": " + Printable(gap.why) + "\n";
    }
  }
  if (report.proposals.empty()) {
    text += std::string("#\n# Nothing that looks like a secret was found") +
            (report.gaps.empty() ? ".\n" : " in the rest.\n");
  } else if (report.CountOf(Proposal::Verdict::kActive) == 0) {
    text += "#\n# No column is likely enough to be active.\n";
  }
  return text;
}

}  // namespace

std::string MigrationNameOf(const std::string& database) {
  constexpr std::size_t kLongest = 40;
  std::string_view name = database;
  name = name.substr(0, name.find('?'));
  if (const std::size_t service = name.find("service="); service == 0) {
    name = name.substr(8, name.find(' ') - 8);
  }
  name = name.substr(name.find_last_of("/:") + 1);
  if (database.starts_with("sqlite:")) {
    name = name.substr(0, name.find('.'));
  }
  std::string safe;
  for (const char c : name.substr(0, kLongest)) {
    const bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    safe += is_fine ? c : '_';
  }
  if (safe.find_first_not_of('_') == std::string::npos) {
    return "app";
  }
  const bool begins_with_letter = (safe.front() | 0x20) >= 'a' && (safe.front() | 0x20) <= 'z';
  return begins_with_letter ? safe : ("app_" + safe).substr(0, kLongest);
}

std::string TomlText(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F) {
      quoted += "\\u00" + ToHex({&byte, 1});
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string WriteManifest(const ScanReport& report, const std::string& database) {
  std::string text = IntroductionOf(report, database) +
                     "version = 1\nname = " + TomlText(MigrationNameOf(database)) +
                     "\ndatabase = " + TomlText(database) + "\n";
  for (const Proposal& proposal : report.proposals) {
    text += "\n" + TextOf(proposal);
  }
  return text;
}

}  // namespace rowseal
