#include "launcher/limits.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "framework/base/timer.h"
#include "framework/tensor/create.h"

namespace d2l::launcher {
namespace {

constexpr double kEnough = 0.01;  // seconds of one run; larger runs are not faster
constexpr double kBatch = 0.02;   // seconds of several runs followed by one wait
constexpr double kMostRuns = 32;
constexpr int kTries = 3;

double seconds_of(Backend& backend, const std::function<void()>& run, int64_t runs) {
  backend.synchronize();
  const Timer timer;
  for (int64_t i = 0; i < runs; ++i) run();
  backend.synchronize();
  return timer.seconds() / static_cast<double>(runs);
}

// Seconds of one run: the best of a few tries after a warm-up.
double best_seconds(Backend& backend, const std::function<void()>& run) {
  seconds_of(backend, run, 1);
  double best = seconds_of(backend, run, 1);
  const auto runs = static_cast<int64_t>(std::clamp(kBatch / best, 1.0, kMostRuns));
  for (int i = 0; i < kTries; ++i) best = std::min(best, seconds_of(backend, run, runs));
  return best;
}

double multiply_adds_per_second(Backend& backend, DType dtype) {
  constexpr int64_t kLeastSide = 2048, kMostSide = 8192;
  double best = 0;
  for (int64_t side = kLeastSide; side <= kMostSide; side *= 2) {
    const Tensor a = uniform(backend, {side, side}, {.seed = 1}).cast(dtype);
    Tensor product(backend, {side, side}, dtype);
    const double seconds =
        best_seconds(backend, [&] { backend.matmul({}, a.view(), a.view(), {}, product.view()); });
    best = std::max(best, static_cast<double>(side * side * side) / seconds);
    if (seconds >= kEnough) break;
  }
  return best;
}

// Uses f32 arrays of 32 MB to 256 MB. The last one counts, since smaller ones may be in caches.
double bytes_per_second(Backend& backend) {
  constexpr int64_t kLeast = int64_t{1} << 23, kMost = int64_t{1} << 26;  // elements
  double rate = 0;
  for (int64_t elements = kLeast; elements <= kMost; elements *= 2) {
    const Tensor x = full(backend, {elements}, 1);
    Tensor y = full(backend, {elements}, 2);
    const double seconds =
        best_seconds(backend, [&] { backend.axpby(0.5, x.view(), 0.5, y.view()); });
    rate = static_cast<double>(3 * y.view().bytes()) / seconds;
    if (seconds >= kEnough) break;
  }
  return rate;
}

}  // namespace

Limits measured_limits(Backend& backend, const std::vector<DType>& products) {
  Limits limits{.bytes_per_second = bytes_per_second(backend)};
  for (const DType dtype : products)
    if (limits.multiply_adds_per_second.count(dtype) == 0)
      limits.multiply_adds_per_second[dtype] = multiply_adds_per_second(backend, dtype);
  return limits;
}

}  // namespace d2l::launcher
