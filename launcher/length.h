#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::launcher {

// A time of training as options name it: "5" or "0.5" epochs, or "500steps".
struct Length {
  double number = 0;
  bool in_steps = false;
  std::string label, text;  // the option and what it was given, for errors

  // Rounded. Throws UsageError for a time above 0 that is no step at all.
  int64_t steps(int64_t steps_per_epoch) const;
};

// `label` is what errors call the option. Throws UsageError for anything else and for negative
// ones.
Length parse_length(const std::string& label, const std::string& text);
// "30,60,80"
std::vector<Length> parse_lengths(const std::string& label, const std::string& text);

// The pieces between commas; none of an empty text. Throws UsageError for an empty piece.
std::vector<std::string> split_list(const std::string& label, const std::string& text);

}  // namespace d2l::launcher
