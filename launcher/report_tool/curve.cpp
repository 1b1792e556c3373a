#include "launcher/report_tool/curve.h"

#include <algorithm>
#include <utility>

#include "framework/base/error.h"

namespace d2l::report_tool {

void Curve::add(double step, double value) {
  steps.push_back(step);
  values.push_back(value);
}

Curve thinned(const Curve& curve, size_t most) {
  check(most >= 4, "thinned: expected at least 4 points, found ", most);
  if (curve.size() <= most) return curve;
  const size_t parts = (most - 2) / 2, between = curve.size() - 2;
  Curve few;
  few.add(curve.steps.front(), curve.values.front());
  for (size_t part = 0; part < parts; ++part) {
    const auto begin = curve.values.begin() + 1,
               first = begin + static_cast<std::ptrdiff_t>(part * between / parts),
               last = begin + static_cast<std::ptrdiff_t>((part + 1) * between / parts);
    const auto [lowest, highest] = std::minmax_element(first, last);
    for (const auto value : {std::min(lowest, highest), std::max(lowest, highest)}) {
      const auto place = static_cast<size_t>(value - curve.values.begin());
      few.add(curve.steps[place], *value);
      if (*lowest == *highest) break;
    }
  }
  few.add(curve.steps.back(), curve.values.back());
  return few;
}

}  // namespace d2l::report_tool
