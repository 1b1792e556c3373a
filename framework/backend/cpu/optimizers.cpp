#include <algorithm>
#include <cmath>
#include <vector>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/step_rates.h"

namespace d2l::cpu {
namespace {

// Calls body(range, begin, end) for the parts of [0, count) that the ranges cover, in one pass.
template <class Body>
void for_ranges(StepRanges given, int64_t count, const Body& body) {
  const StepRange all{0, count};
  const StepRanges ranges = given.empty() ? StepRanges(&all, 1) : given;
  parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    auto range =
        std::upper_bound(ranges.begin(), ranges.end(), begin,
                         [](int64_t at, const StepRange& other) { return at < other.end; });
    for (; range != ranges.end() && range->begin < end; ++range)
      body(*range, std::max(begin, range->begin), std::min(end, range->end));
  });
}

struct SgdRun {
  const float* gradient;
  float* value;
  float* velocity;
  int64_t count;
};

D2L_SIMD void sgd_plain(const SgdRates& rates, const SgdRun& run) {
  const float* __restrict__ gradient = run.gradient;
  float* __restrict__ value = run.value;
  const float lr = rates.lr_in * rates.lr_out, weight_decay = rates.weight_decay;
  for (int64_t i = 0; i < run.count; ++i) value[i] -= lr * (gradient[i] + weight_decay * value[i]);
}

template <bool kNesterov>
D2L_SIMD void sgd_momentum(const SgdRates& given, const SgdRun& run) {
  const SgdRates rates = given;
  const float* __restrict__ gradient = run.gradient;
  float* __restrict__ value = run.value;
  float* __restrict__ velocity = run.velocity;
  for (int64_t i = 0; i < run.count; ++i) {
    float slope = rates.lr_in * (gradient[i] + rates.weight_decay * value[i]);
    float moving = rates.momentum * velocity[i] + slope;
    velocity[i] = moving;
    value[i] -= rates.lr_out * (kNesterov ? slope + rates.momentum * moving : moving);
  }
}

struct AdamRun {
  const float* gradient;
  float* value;
  float* mean;
  float* square;
  int64_t count;
};

D2L_SIMD void adam_run(const AdamMoments& of_all, const AdamRates& given, const AdamRun& run) {
  const AdamMoments moments = of_all;
  const AdamRates rates = given;
  const float* __restrict__ gradient = run.gradient;
  float* __restrict__ value = run.value;
  float* __restrict__ mean = run.mean;
  float* __restrict__ square = run.square;
  for (int64_t i = 0; i < run.count; ++i) {
    float slope = gradient[i] + rates.weight_decay * value[i];
    float first = moments.keep_mean * mean[i] + moments.add_mean * slope;
    float second = moments.keep_square * square[i] + moments.add_square * slope * slope;
    mean[i] = first;
    square[i] = second;
    value[i] = rates.keep_value * value[i] -
               rates.step_size * first / (std::sqrt(second) * moments.root_scale + moments.epsilon);
  }
}

struct LambRun {
  float* gradient;
  const float* value;
  float* mean;
  float* square;
  int64_t count;
};

D2L_SIMD void lamb_run(const AdamMoments& of_all, float weight_decay, const LambRun& run) {
  const AdamMoments moments = of_all;
  float* __restrict__ gradient = run.gradient;
  const float* __restrict__ value = run.value;
  float* __restrict__ mean = run.mean;
  float* __restrict__ square = run.square;
  for (int64_t i = 0; i < run.count; ++i) {
    float slope = gradient[i];
    float first = moments.keep_mean * mean[i] + moments.add_mean * slope;
    float second = moments.keep_square * square[i] + moments.add_square * slope * slope;
    mean[i] = first;
    square[i] = second;
    gradient[i] =
        moments.mean_scale * first / (std::sqrt(second) * moments.root_scale + moments.epsilon) +
        weight_decay * value[i];
  }
}

// In double precision, with independent accumulators, so that the compiler vectorises the
// additions.
D2L_SIMD void sum_of_squares(const float* x, int64_t count, double* total) {
  constexpr int64_t kLanes = 16;
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) {
      const double value = x[i + k];
      lanes[k] += value * value;
    }
  for (int64_t k = 0; i < count; ++i, ++k) {
    const double value = x[i];
    lanes[k] += value * value;
  }
  *total = 0;
  for (double lane : lanes) *total += lane;
}

}  // namespace

void CpuBackend::do_sgd_step(const SgdParams& params, ConstView gradient, View value,
                             View velocity) {
  const bool moves = params.momentum != 0;
  const SgdRun all{gradient.as<float>(), value.as<float>(), velocity.as<float>(), 0};
  for_ranges(params.ranges, value.elements(),
             [&](const StepRange& range, int64_t begin, int64_t end) {
               const SgdRates rates = sgd_rates(params, range);
               const SgdRun run{all.gradient + begin, all.value + begin,
                                moves ? all.velocity + begin : nullptr, end - begin};
               if (!moves)
                 sgd_plain(rates, run);
               else if (params.nesterov)
                 sgd_momentum<true>(rates, run);
               else
                 sgd_momentum<false>(rates, run);
             });
}

void CpuBackend::do_adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                              View square) {
  const AdamMoments moments = adam_moments(params);
  const AdamRun all{gradient.as<float>(), value.as<float>(), mean.as<float>(), square.as<float>(),
                    0};
  for_ranges(params.ranges, value.elements(),
             [&](const StepRange& range, int64_t begin, int64_t end) {
               adam_run(moments, adam_rates(params, range),
                        {all.gradient + begin, all.value + begin, all.mean + begin,
                         all.square + begin, end - begin});
             });
}

void CpuBackend::do_lamb_direction(const AdamParams& params, View gradient, ConstView value,
                                   View mean, View square) {
  const AdamMoments moments = adam_moments(params);
  const LambRun all{gradient.as<float>(), value.as<float>(), mean.as<float>(), square.as<float>(),
                    0};
  for_ranges(params.ranges, value.elements(),
             [&](const StepRange& range, int64_t begin, int64_t end) {
               lamb_run(moments, static_cast<float>(params.weight_decay * range.weight_decay),
                        {all.gradient + begin, all.value + begin, all.mean + begin,
                         all.square + begin, end - begin});
             });
}

void CpuBackend::do_norms(StepRanges ranges, ConstView x, View norms) {
  struct Piece {
    size_t range;
    int64_t begin, end;
    double total;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < ranges.size(); ++i)
    for (int64_t begin = ranges[i].begin; begin < ranges[i].end; begin += kGrain)
      pieces.push_back({i, begin, std::min(begin + kGrain, ranges[i].end), 0});
  // Several pieces at a time, since many are short.
  parallel_for(static_cast<int64_t>(pieces.size()), 4, [&](int64_t first, int64_t last) {
    for (Piece* piece = pieces.data() + first; piece != pieces.data() + last; ++piece)
      sum_of_squares(x.as<float>() + piece->begin, piece->end - piece->begin, &piece->total);
  });
  std::vector<double> totals(ranges.size(), 0.0);
  for (const Piece& piece : pieces) totals[piece.range] += piece.total;
  for (size_t i = 0; i < totals.size(); ++i)
    norms.as<float>()[i] = static_cast<float>(std::sqrt(totals[i]));
}

}  // namespace d2l::cpu
