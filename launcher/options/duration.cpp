#include "launcher/options/duration.h"

#include <charconv>
#include <cmath>

#include "launcher/options/usage.h"

namespace d2l::launcher {

int64_t Duration::steps(const std::string& label, int64_t steps_per_epoch) const {
  const double exact = in_steps ? number : number * static_cast<double>(steps_per_epoch);
  const int64_t rounded = std::llround(exact);
  if (number > 0 && rounded == 0)
    usage(label, " expects at least one step, found '", text, "', which is ", exact,
          " steps, rounded to 0 (an epoch has ", steps_per_epoch, " steps)");
  return rounded;
}

Duration parse_duration(const std::string& label, const std::string& text) {
  const std::string unit = "steps";
  Duration duration{.in_steps = text.ends_with(unit), .text = text};
  const char* end = text.data() + text.size() - (duration.in_steps ? unit.size() : 0);
  auto result = std::from_chars(text.data(), end, duration.number);
  const bool good = result.ec == std::errc() && result.ptr == end && duration.number >= 0 &&
                    duration.number <= 1e9 &&
                    (!duration.in_steps || duration.number == std::floor(duration.number));
  if (!good)
    usage(label, " expects epochs, for example 5 or 0.5, or steps, for example 500steps, found '",
          text, "'");
  return duration;
}

std::vector<std::string> split_list(const std::string& label, const std::string& text) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < text.size() || (begin > 0 && begin == text.size());) {
    const size_t end = std::min(text.find(',', begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    if (pieces.back().empty()) usage(label, " expects values separated by ',', found '", text, "'");
    begin = end + 1;
  }
  return pieces;
}

}  // namespace d2l::launcher
