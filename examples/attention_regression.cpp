#include <algorithm>
#include <cstdio>
#include <vector>

#include "launcher/loss_curve.h"
#include "models/kernel_regression.h"

// Chapter 10.2: the three kinds of Nadaraya-Watson regression, as medians over many draws of the
// data, since single draws vary much. `d2l-train --task attention-regression` shows one draw.

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return (values[half] + values[values.size() - 1 - half]) / 2;
}

}  // namespace

int main() {
  constexpr uint64_t kDraws = 20;
  const auto backend = d2l::make_cpu_backend(1);
  std::vector<double> average, fixed, learned, curve;
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    const auto report = d2l::models::kernel_regression(*backend, {.seed = seed});
    average.push_back(report.average);
    fixed.push_back(report.fixed);
    learned.push_back(report.learned);
    curve.resize(report.learned_curve.size());
    for (size_t i = 0; i < curve.size(); ++i) curve[i] += report.learned_curve[i] / kDraws;
  }
  std::printf("The mean of what attention with a learned width answers at 0, .1, ... 4.9:\n%s",
              d2l::loss_curve(curve, {}).c_str());
  std::printf("Mean squared error to 2 sin x + x^.8, medians over %d draws:\n",
              static_cast<int>(kDraws));
  std::printf("average %.3f, attention %.3f, attention with a learned width %.3f\n",
              median(average), median(fixed), median(learned));
}
