#include "launcher/length.h"

#include <charconv>
#include <cmath>

#include "launcher/options.h"

namespace d2l::launcher {

int64_t Length::steps(int64_t steps_per_epoch) const {
  const double exact = in_steps ? number : number * static_cast<double>(steps_per_epoch);
  const int64_t rounded = std::llround(exact);
  if (number > 0 && rounded == 0)
    usage(label, " expects at least one step, found '", text, "', which comes to ", exact,
          " steps, rounded to 0 (an epoch has ", steps_per_epoch, ")");
  return rounded;
}

Length parse_length(const std::string& label, const std::string& text) {
  const std::string unit = "steps";
  Length length{.in_steps = text.ends_with(unit), .label = label, .text = text};
  const char* end = text.data() + text.size() - (length.in_steps ? unit.size() : 0);
  auto result = std::from_chars(text.data(), end, length.number);
  const bool good = result.ec == std::errc() && result.ptr == end && length.number >= 0 &&
                    length.number <= 1e9 &&
                    (!length.in_steps || length.number == std::floor(length.number));
  if (!good)
    usage(label, " expects epochs, as 5 or 0.5, or steps, as 500steps, found '", text, "'");
  return length;
}

std::vector<Length> parse_lengths(const std::string& label, const std::string& text) {
  std::vector<Length> lengths;
  for (const std::string& piece : split_list(label, text))
    lengths.push_back(parse_length(label, piece));
  return lengths;
}

std::vector<std::string> split_list(const std::string& label, const std::string& text) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < text.size() || (begin > 0 && begin == text.size());) {
    const size_t end = std::min(text.find(',', begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    if (pieces.back().empty())
      usage(label, " expects values with ',' between them, found '", text, "'");
    begin = end + 1;
  }
  return pieces;
}

}  // namespace d2l::launcher
