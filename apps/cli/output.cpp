#include "output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fmt/format.h>

#include "base/encoding.h"
#include "memory/secret_encoding.h"

namespace rowseal::cli {
namespace {

// No stdio: its buffer would keep a copy of every secret.
bool WriteAll(int descriptor, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{descriptor, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Result<void> WriteOutput(ByteView bytes) {
  if (WriteAll(STDOUT_FILENO, bytes)) {
    return {};
  }
  const ErrorCode code = errno == ENOSPC ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable;
  return Fail(code, "standard output cannot be written: " + SystemMessage());
}

// Names may hold any character of Unicode; each counts as one column.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

// What is shown may hold names from a store or a file: they steer no terminal, and begin no line
// that could be taken for one of ours, which a list's indented ones cannot be.
std::string OneMessage(std::string_view text) {
  std::string message = Escaped(text, "\n");
  for (std::size_t at = message.find('\n'); at != std::string::npos;
       at = message.find('\n', at + 1)) {
    if (message.compare(at, 3, "\n  ") != 0) {
      message.replace(at, 1, "\\x0a");
    }
  }
  return message;
}

}  // namespace

std::string SystemMessage() { return std::generic_category().message(errno); }

void PrintError(const Error& error) {
  std::string text = "rowseal: error: " + OneMessage(error.message) + "\n";
  if (!error.hint.empty()) {
    text += "hint: " + OneMessage(error.hint) + "\n";
  }
  WriteAll(STDERR_FILENO, AsBytes(text));
}

void PrintNote(std::string_view text) {
  WriteAll(STDERR_FILENO, AsBytes("rowseal: " + OneMessage(text) + "\n"));
}

Result<int> EndOfList(const std::vector<UnreadRow>& unreadable) {
  for (const UnreadRow& row : unreadable) {
    PrintError({ErrorCode::kIntegrity, row.row + " cannot be read: " + row.message, {}});
  }
  if (unreadable.empty()) {
    return 0;
  }
  return Fail(ErrorCode::kPartial,
              fmt::format("{} row{} cannot be read; the others can", unreadable.size(),
                          unreadable.size() == 1 ? "" : "s"),
              kUnreadHint);
}

Result<void> PrintText(std::string_view text) {
  return WriteOutput(AsBytes(Escaped(text, "\n\t")));
}

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<void> PrintJson(const Json& json) { return WriteOutput(AsBytes(JsonText(json) + "\n")); }

Result<void> CheckReveal(bool reveal) {
  if (reveal || isatty(STDOUT_FILENO) == 0) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument, "a secret is not printed to a terminal",
              "add --reveal, or send it to a file or a command");
}

Result<void> PrintSecret(ByteView secret, bool reveal) {
  ROWSEAL_TRY(CheckReveal(reveal));
  return WriteOutput(secret);
}

Result<void> PrintSecretJson(const Json& fields, ByteView secret, bool reveal) {
  ROWSEAL_TRY(CheckReveal(reveal));
  std::string head = JsonText(fields);
  head.pop_back();  // its closing brace
  head += fields.empty() ? "" : ",";
  head += "\"value_base64\":\"";
  constexpr std::string_view kTail = "\"}\n";
  ROWSEAL_ASSIGN(SecretBuffer out,
                 SecretBuffer::Create(head.size() + Base64Size(Base64::kPadded, secret.size()) +
                                      kTail.size()));
  ROWSEAL_TRY(out.Append(AsBytes(head)));
  ROWSEAL_TRY(AppendBase64(Base64::kPadded, secret, out));
  ROWSEAL_TRY(out.Append(AsBytes(kTail)));
  return WriteOutput(out.Reveal());
}

std::string Table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < header.size(); ++column) {
    std::size_t width = Width(header[column]);
    for (const std::vector<std::string>& row : rows) {
      width = std::max(width, Width(row.at(column)));
    }
    widths.push_back(width);
  }
  std::string text;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t column = 0; column < header.size(); ++column) {
      line += row.at(column) + std::string(widths[column] - Width(row.at(column)) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  append(header);
  std::for_each(rows.begin(), rows.end(), append);
  return text;
}

Result<void> WriteFileAtomically(const std::string& path, std::string_view text) {
  std::string temporary = path + ".XXXXXX";
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  bool written = false;
  if (descriptor >= 0) {
    written = fchmod(descriptor, 0644) == 0 && WriteAll(descriptor, AsBytes(text));
    written = close(descriptor) == 0 && written;
    written = written && std::rename(temporary.c_str(), path.c_str()) == 0;
  }
  if (written) {
    return {};
  }
  Result<void> failure = Fail(ErrorCode::kUnavailable,
                              "'" + Printable(path) + "' cannot be written: " + SystemMessage());
  unlink(temporary.c_str());
  return failure;
}

Result<void> CheckNewFile(const std::string& path, Existing existing) {
  struct stat found {};
  if (existing == Existing::kReplace || lstat(path.c_str(), &found) != 0) {
    return {};
  }
  return Fail(ErrorCode::kConflict, "'" + Printable(path) + "' is there already",
              "name another file, or replace it with --force");
}

Result<void> WriteNewFile(const std::string& path, std::string_view text, Existing existing) {
  std::string temporary = path + ".XXXXXX";
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);  // of mode 0600
  bool written = false;
  if (descriptor >= 0) {
    written = WriteAll(descriptor, AsBytes(text)) && fsync(descriptor) == 0;
    written = close(descriptor) == 0 && written;
    // A link, unlike a renaming, never takes another file's place.
    written = written &&
              (existing == Existing::kReplace ? std::rename(temporary.c_str(), path.c_str()) == 0
                                              : link(temporary.c_str(), path.c_str()) == 0);
  }
  Result<void> outcome;
  if (!written) {
    outcome = Fail(errno == EEXIST ? ErrorCode::kConflict : ErrorCode::kUnavailable,
                   "'" + Printable(path) + "' cannot be written: " + SystemMessage());
  }
  if (descriptor >= 0) {
    unlink(temporary.c_str());
  }
  return outcome;
}

}  // namespace rowseal::cli
