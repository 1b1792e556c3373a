#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::launcher {

// A length of training as options write it: "5" or "0.5" epochs, or "500steps".
struct Duration {
  double number = 0;
  bool in_steps = false;
  std::string text = "0";  // as it was written

  // Rounded. `label` is what errors call the option. Throws UsageError for a length above 0 that is
  // rounded to no step.
  int64_t steps(const std::string& label, int64_t steps_per_epoch) const;

  bool operator==(const Duration&) const = default;
};

// `label` is what errors call the option. Throws UsageError for anything else and for negative
// lengths.
Duration parse_duration(const std::string& label, const std::string& text);

// The pieces between commas; none of an empty text. Throws UsageError for an empty piece.
std::vector<std::string> split_list(const std::string& label, const std::string& text);

}  // namespace d2l::launcher
