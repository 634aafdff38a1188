#include "client/epoch_anchor.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/encoding.h"
#include "base/text.h"
#include "crypto/mac.h"
#include "keys/key_state.h"

namespace rowseal {
namespace {

// Lines: the head, then states from the newest to older ones, which are for people who must find
// out what happened: `EPOCH TAG TIME`, of the newest also the KEKs that are refused, as
// `3:suspended,5:compromised,1-2:destroyed`.
constexpr std::string_view kHead = "rowseal epoch anchor 1";
// Lines: the head, the installation, and the place for people.
constexpr std::string_view kPlaceHead = "rowseal store place 1";
constexpr std::size_t kKeptStates = 16;
constexpr std::size_t kShortestTag = 32;
constexpr std::size_t kLongestTag = 64;
constexpr std::size_t kMostBytes = 1024 * 1024;
constexpr std::int64_t kMostKeks = 1'000'000;  // of one range

class Descriptor final {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) {
      close(number_);
    }
  }
  int number() const noexcept { return number_; }
  bool is_open() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

tl::unexpected<Error> CannotUse(const std::string& path) {
  return Fail(ErrorCode::kUnavailable,
              "the epoch anchor " + Printable(path) +
                  " cannot be used: " + std::generic_category().message(errno),
              "give this user a folder of its own to keep it in, or name none");
}

Result<std::string> ReadWhole(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) {
    return errno == ENOENT ? Result<std::string>(std::string()) : CannotUse(path);
  }
  std::string text(kMostBytes, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read(file.number(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return CannotUse(path);
    }
    if (count == 0) {
      break;
    }
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

bool ParseNumber(std::string_view text, std::int64_t& number) {
  const char* const end = text.data() + text.size();
  const auto [last, failed] = std::from_chars(text.data(), end, number);
  return failed == std::errc() && last == end && number >= 1;
}

bool ParseRefused(std::string_view text, std::map<KekId, KeyState>& refused) {
  for (const std::string_view item : Split(text, ",")) {
    const std::size_t colon = item.find(':');
    const std::string_view ids = item.substr(0, colon);
    const std::size_t dash = ids.find('-');
    std::int64_t first = 0;
    std::int64_t last = 0;
    const Result<KeyState> state =
        ParseKeyState(colon == std::string_view::npos ? "" : item.substr(colon + 1));
    if (!state || !ParseNumber(ids.substr(0, dash), first) ||
        !ParseNumber(dash == std::string_view::npos ? ids : ids.substr(dash + 1), last) ||
        last - first >= kMostKeks) {
      return false;
    }
    for (std::int64_t id = first; id <= last; ++id) {
      refused.emplace(KekId{id}, *state);
    }
  }
  return true;
}

std::string RefusedText(const std::map<KekId, KeyState>& refused) {
  std::string text;
  for (auto first = refused.begin(); first != refused.end();) {
    auto end = std::next(first);
    std::int64_t last = first->first.value;
    for (; end != refused.end() && end->first.value == last + 1 && end->second == first->second;
         ++end) {
      ++last;
    }
    text += (text.empty() ? " " : ",") + ToText(first->first) +
            (last > first->first.value ? "-" + std::to_string(last) : "") + ":" +
            std::string(ToText(first->second));
    first = end;
  }
  return text;
}

std::optional<EpochAnchor::State> ParseState(std::string_view line) {
  EpochAnchor::State state;
  const char* const end = line.data() + line.size();
  const auto [behind, failed] = std::from_chars(line.data(), end, state.epoch);
  if (failed != std::errc() || behind == end || *behind != ' ' || state.epoch < 1) {
    return std::nullopt;
  }
  std::string_view rest(behind + 1, static_cast<std::size_t>(end - behind - 1));
  Result<Bytes> tag = FromHex(rest.substr(0, rest.find(' ')));
  if (!tag || tag->size() < kShortestTag || tag->size() > kLongestTag) {
    return std::nullopt;
  }
  state.trust_tag = std::move(*tag);
  const std::vector<std::string_view> fields = Split(rest, " ");
  if (fields.size() > 2 && !ParseRefused(fields[2], state.refused)) {
    return std::nullopt;
  }
  return state;
}

std::string LineOf(const EpochAnchor::State& state) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return std::to_string(state.epoch) + " " + ToHex(state.trust_tag) + " " + time.data() +
         RefusedText(state.refused) + "\n";
}

// The new file is on the disk before it takes the old one's place.
bool Replace(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".new";  // one writer at a time
  const Descriptor file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  return file.is_open() &&
         write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         fsync(file.number()) == 0 && rename(temporary.c_str(), path.c_str()) == 0;
}

}  // namespace

std::string EpochAnchor::PathOf(const InstallationId& installation) const {
  return folder_ + "/" + ToText(installation) + ".anchor";
}

Result<std::optional<EpochAnchor::State>> EpochAnchor::Read(
    const InstallationId& installation) const {
  const std::string path = PathOf(installation);
  ROWSEAL_ASSIGN(const std::string text, ReadWhole(path));
  if (text.empty()) {
    return std::nullopt;
  }
  const std::vector<std::string_view> lines = Lines(text);
  std::optional<State> newest =
      lines.size() >= 2 && lines.front() == kHead ? ParseState(lines[1]) : std::nullopt;
  if (!newest) {
    return Fail(ErrorCode::kIntegrity, "the epoch anchor " + Printable(path) + " is malformed",
                "it is written anew; look who writes there");
  }
  return newest;
}

std::string EpochAnchor::PathOfPlace(const std::string& place) const {
  constexpr std::size_t kDigits = 32;
  const Result<Mac> hash = Sha256(AsBytes(place));
  return folder_ + "/" + (hash ? ToHex(*hash).substr(0, kDigits) : std::string("unnamed")) +
         ".place";
}

// The first process that meets a store keeps what it found, and each of several keeps the same.
Result<std::string> EpochAnchor::KeepPlace(const std::string& path, const std::string& text) const {
  ROWSEAL_TRY(MakeFolder());
  const std::string lock_path = path + ".lock";
  const Descriptor lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.is_open() || flock(lock.number(), LOCK_EX) != 0) {
    return CannotUse(lock_path);
  }
  ROWSEAL_ASSIGN(std::string kept, ReadWhole(path));
  if (!kept.empty()) {
    return kept;
  }
  return Replace(path, text) ? Result<std::string>(text) : CannotUse(path);
}

Result<void> EpochAnchor::CheckPlace(const std::string& place,
                                     const InstallationId& installation) const {
  const std::string path = PathOfPlace(place);
  ROWSEAL_ASSIGN(std::string text, ReadWhole(path));
  if (text.empty()) {
    ROWSEAL_ASSIGN(text, KeepPlace(path, std::string(kPlaceHead) + "\n" + ToText(installation) +
                                             "\n" + Printable(place) + "\n"));
  }
  const std::vector<std::string_view> lines = Lines(text);
  const Result<InstallationId> expected = lines.size() >= 2 && lines.front() == kPlaceHead
                                              ? ParseUuid<InstallationId>(lines[1])
                                              : Fail(ErrorCode::kIntegrity, "it is malformed");
  if (!expected) {
    return Fail(ErrorCode::kIntegrity, "the file " + Printable(path) + " is malformed",
                "look who writes there; without the file the next start keeps what it finds");
  }
  if (*expected != installation) {
    return Fail(ErrorCode::kIntegrity,
                "another store is in the place of the one that this machine knows: expected"
                " installation " +
                    ToText(*expected) + ", found " + ToText(installation),
                "find out who put it there; if it is to stay, delete " + Printable(path));
  }
  return {};
}

void EpochAnchor::ForgetPlace(const std::string& place) const {
  unlink(PathOfPlace(place).c_str());
}

Result<void> EpochAnchor::MakeFolder() const {
  std::error_code failed;
  if (!std::filesystem::exists(folder_, failed)) {
    std::filesystem::create_directories(std::filesystem::path(folder_).parent_path(), failed);
    if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
      return CannotUse(folder_);
    }
  }
  return {};
}

Result<void> EpochAnchor::Raise(const InstallationId& installation, const State& state) const {
  const std::string path = PathOf(installation);
  ROWSEAL_TRY(MakeFolder());
  const std::string lock_path = path + ".lock";
  const Descriptor lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.is_open() || flock(lock.number(), LOCK_EX) != 0) {
    return CannotUse(lock_path);
  }
  const Result<std::optional<State>> kept = Read(installation);
  if (!kept && kept.error().code != ErrorCode::kIntegrity) {
    return tl::unexpected(kept.error());
  }
  if (kept && *kept && (*kept)->epoch >= state.epoch) {
    return {};
  }
  std::string text = std::string(kHead) + "\n" + LineOf(state);
  if (kept && *kept) {
    ROWSEAL_ASSIGN(const std::string old, ReadWhole(path));
    const std::vector<std::string_view> lines = Lines(old);
    for (std::size_t i = 1; i < std::min(lines.size(), kKeptStates); ++i) {
      const std::vector<std::string_view> fields = Split(lines[i], " ");
      text += std::string(
                  lines[i].substr(0, fields.size() > 3 ? lines[i].rfind(' ') : lines[i].size())) +
              "\n";
    }
  }
  return Replace(path, text) ? Result<void>() : CannotUse(path);
}

}  // namespace rowseal
