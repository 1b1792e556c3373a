#include "launcher/options/wall_time.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

constexpr double kMinute = 60, kHour = 3600, kDay = 86400;
constexpr double kMost = 3650 * kDay;

double seconds_in(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return kMinute;
    case 'h':
      return kHour;
    case 'd':
      return kDay;
    default:
      return 0;
  }
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end || !(value >= 0)) return {};
  return value;
}

// Removes the text before the separator, and returns it.
std::optional<int> part_before(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return {};
  const std::optional<int> value = number<int>(text.substr(0, at));
  text.remove_prefix(at + 1);
  return value;
}

// [DAYS-]HOURS:MINUTES:SECONDS
std::optional<double> clock(std::string_view text) {
  int days = 0;
  if (text.find('-') != std::string_view::npos) {
    const std::optional<int> found = part_before(text, '-');
    if (!found) return {};
    days = *found;
  }
  const std::optional<int> hours = part_before(text, ':'), minutes = part_before(text, ':'),
                           seconds = number<int>(text);
  if (!hours || !minutes || !seconds || *minutes > 59 || *seconds > 59) return {};
  return days * kDay + *hours * kHour + *minutes * kMinute + *seconds;
}

std::optional<double> parsed(std::string_view text) {
  if (text == "0") return 0;
  if (text.find(':') != std::string_view::npos) return clock(text);
  if (text.empty() || seconds_in(text.back()) == 0) return {};
  const std::optional<double> value = number<double>(text.substr(0, text.size() - 1));
  if (!value) return {};
  return *value * seconds_in(text.back());
}

}  // namespace

WallTime parse_wall_time(const std::string& label, const std::string& text) {
  const std::optional<double> seconds = parsed(text);
  if (!seconds || *seconds > kMost)
    usage(label,
          " expects a time of at most 10 years, for example 90s, 30m, 1.5h, 2d, 12:00:00 or "
          "1-12:00:00, found '",
          text, "'");
  return {.seconds = *seconds, .text = text};
}

}  // namespace d2l::launcher
