#pragma once

#include <string>

namespace d2l::launcher {

// A time on the clock in an option: "90s", "30m", "1.5h", "2d", or as Slurm writes it, "12:00:00"
// or "1-12:00:00".
struct WallTime {
  double seconds = 0;
  std::string text = "0";  // as the user wrote it

  bool operator==(const WallTime&) const = default;
};

// "0" is 0 seconds. `label` names the option in errors. Throws UsageError for other forms.
WallTime parse_wall_time(const std::string& label, const std::string& text);

}  // namespace d2l::launcher
