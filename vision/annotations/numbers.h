#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "framework/base/error.h"

namespace d2l::vision {

// Without blanks and line breaks at both ends.
inline std::string_view trimmed(std::string_view text) {
  constexpr const char* kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// A finite decimal number, such as 12, -0.5 or 1e3. Throws Error that begins with `place`.
inline double parse_number(std::string_view text, const std::string& place) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool finite = number - number == 0;
  check(stop == end && error == std::errc() && finite, place, ": expected a number, found '",
        text.substr(0, 40), "'");
  return number;
}

}  // namespace d2l::vision
