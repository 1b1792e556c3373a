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

// At most `most` points (at least 4) that look the same: the first, the last, and of each of
// equally long parts between them the lowest and the highest.
Curve thinned(const Curve& curve, size_t most);

}  // namespace d2l::report_tool
