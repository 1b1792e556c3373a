#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::launcher {

// A duration of training in an option: "5" or "0.5" epochs, or "500steps".
struct Duration {
  double number = 0;
  bool in_steps = false;
  std::string text = "0";  // as the user wrote it

  // The duration in steps, rounded. `label` names the option in errors. Throws UsageError for a
  // duration above 0 that is rounded to 0 steps.
  int64_t steps(const std::string& label, int64_t steps_per_epoch) const;

  bool operator==(const Duration&) const = default;
};

// `label` names the option in errors. Throws UsageError for other forms and negative durations.
Duration parse_duration(const std::string& label, const std::string& text);

// The items between commas; none for an empty text. Throws UsageError for an empty item.
std::vector<std::string> split_list(const std::string& label, const std::string& text);

}  // namespace d2l::launcher
