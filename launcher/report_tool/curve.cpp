#include "launcher/report_tool/curve.h"

#include <algorithm>
#include <utility>

#include "framework/base/error.h"

namespace d2l::report_tool {

void Curve::add(double step, double value) {
  steps.push_back(step);
  values.push_back(value);
}

Drawn thinned(const Curve& curve, size_t most) {
  check(most >= 4, "thinned: expected at least 4 points, found ", most);
  if (curve.size() <= most) return {.line = curve, .extremes = {}};
  const size_t parts = (most - 2) / 2;
  Drawn drawn;
  drawn.extremes.add(curve.steps.front(), curve.values.front());
  for (size_t part = 0; part < parts; ++part) {
    const size_t begin = part * curve.size() / parts, end = (part + 1) * curve.size() / parts;
    const auto at = [&](size_t place) {
      return curve.values.begin() + static_cast<std::ptrdiff_t>(place);
    };
    const auto [lowest, highest] = std::minmax_element(at(begin), at(end));
    for (const auto value : {std::min(lowest, highest), std::max(lowest, highest)}) {
      drawn.extremes.add(curve.steps[static_cast<size_t>(value - at(0))], *value);
      if (*lowest == *highest) break;
    }
    double average = 0;
    for (size_t i = begin; i < end; ++i)
      average += curve.values[i] / static_cast<double>(end - begin);
    drawn.line.add(curve.steps[begin + (end - begin) / 2], average);
  }
  drawn.extremes.add(curve.steps.back(), curve.values.back());
  return drawn;
}

}  // namespace d2l::report_tool
