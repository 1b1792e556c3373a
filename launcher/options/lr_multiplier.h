#pragma once

#include <string>
#include <vector>

namespace d2l::launcher {

// A factor on the learning rate of the parameters whose names match a pattern: "layer1.*:0.1".
struct LrMultiplier {
  std::string pattern;
  double factor = 1;

  bool operator==(const LrMultiplier&) const = default;
};

// As in values.h; several are separated by ','.
std::string text_of(const std::vector<LrMultiplier>& values);
void parse(const std::string& label, const std::string& text, std::vector<LrMultiplier>& values);

}  // namespace d2l::launcher
