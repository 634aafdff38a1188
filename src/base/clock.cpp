#include "base/clock.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "base/encoding.h"

namespace rowseal {
namespace {

// Reads exactly `digits` decimal digits at `at`, or returns -1.
int FixedNumber(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) {
    return -1;
  }
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      return -1;
    }
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

Timestamp SystemClock() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string ToRfc3339(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 48> text{};
  const auto micros = static_cast<long>(clock.subseconds().count());
  const int written = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  std::string result(text.data(), static_cast<std::size_t>(written));
  if (micros != 0) {
    std::snprintf(text.data(), text.size(), ".%06ld", micros);
    result += text.data();
  }
  return result + "Z";
}

Result<void> CheckStorable(Timestamp time) {
  if (time < Timestamp() || time > kLatestTime) {
    return Fail(ErrorCode::kInvalidArgument, "a time is outside the years 1970 to 9999",
                "leave the time out for a secret that never expires");
  }
  return {};
}

Result<Timestamp> ParseRfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto refuse = [&] {
    return Fail(ErrorCode::kInvalidArgument, "'" + Printable(text) + "' is not a time in UTC",
                "write it as 2027-01-31T23:59:59Z");
  };
  const bool shaped = text.size() >= 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
                      text[13] == ':' && text[16] == ':' && text.back() == 'Z';
  if (!shaped) {
    return refuse();
  }
  const int year_number = FixedNumber(text, 0, 4);
  const int month_number = FixedNumber(text, 5, 2);
  const int day_number = FixedNumber(text, 8, 2);
  const int hour = FixedNumber(text, 11, 2);
  const int minute = FixedNumber(text, 14, 2);
  const int second = FixedNumber(text, 17, 2);
  if (year_number < 1970 || month_number < 1 || day_number < 1 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 59) {
    return refuse();
  }
  int micros = 0;
  const std::string_view rest = text.substr(19, text.size() - 20);
  if (!rest.empty()) {
    if (rest[0] != '.' || rest.size() < 2 || rest.size() > 7) {
      return refuse();
    }
    micros = FixedNumber(rest, 1, rest.size() - 1);
    if (micros < 0) {
      return refuse();
    }
    for (std::size_t digits = rest.size() - 1; digits < 6; ++digits) {
      micros *= 10;
    }
  }
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  if (!date.ok()) {
    return refuse();
  }
  return Timestamp(sys_days{date} + hours{hour} + minutes{minute} + seconds{second} +
                   microseconds{micros});
}

}  // namespace rowseal
