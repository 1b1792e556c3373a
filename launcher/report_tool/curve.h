#pragma once

#include <cstddef>
#include <vector>

namespace d2l::report_tool {

// Values over the steps of a run, which ascend. All values are finite.
struct Curve {
  std::vector<double> steps, values;

  size_t size() const { return steps.size(); }
  bool empty() const { return steps.empty(); }
  void add(double step, double value);
};

// A curve as it is drawn. Long curves are divided into equally long parts.
struct Drawn {
  Curve line;      // the averages of the parts, at their middles; of a short curve, its points
  Curve extremes;  // the first point, the lowest and the highest of each part, and the last; empty
                   // for a short curve
};

// At most `most` extremes (at least 4), or all points if there are no more.
Drawn thinned(const Curve& curve, size_t most);

}  // namespace d2l::report_tool
