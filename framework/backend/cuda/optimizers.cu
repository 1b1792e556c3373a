#include <cmath>

#include "framework/backend/cuda/block_sum.h"
#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/map.h"
#include "framework/backend/cuda/step_ranges.h"
#include "framework/backend/scratch.h"
#include "framework/backend/step_rates.h"

namespace d2l::cuda {
namespace {

constexpr int kWide = 4;  // adjacent elements per thread

// The flat arrays of an optimizer step: one that is only read, and those that are updated.
template <int kMoving>
struct StepArrays {
  const float* given;
  float* moving[kMoving];

  bool are_packed() const {
    for (const float* array : moving)
      if (!are_aligned(sizeof(float) * kWide, array)) return false;
    return are_aligned(sizeof(float) * kWide, given);
  }
};

// A thread has kWide adjacent elements. Rule: updates one element, given its range's factors.
template <class Rule, int kMost>
__global__ void __launch_bounds__(kThreads)
    step_kernel(Rule rule, StepArrays<Rule::kMoving> arrays, bool packed, int64_t origin,
                RangeTable<typename Rule::Rates, kMost> ranges) {
  const int64_t own = origin + first_item() * kWide;
  for (int i = ranges.first_ending_after(own); i < ranges.count && ranges.at[i].begin < own + kWide;
       ++i) {
    const typename Rule::Rates rates = ranges.at[i].facts;
    const int64_t begin = ranges.at[i].begin - own, end = ranges.at[i].end - own;
    const bool whole = packed && begin <= 0 && end >= kWide;
    // Elements of other ranges are neither read nor written.
    auto load = [&](const float* from) {
      return load_part<kWide>(from + own + begin, -begin, end - begin, whole);
    };
    const Pack<float, kWide> given = load(arrays.given);
    Pack<float, kWide> moving[Rule::kMoving];
    for (int k = 0; k < Rule::kMoving; ++k) moving[k] = load(arrays.moving[k]);
    for (int j = 0; j < kWide; ++j) {
      float element[Rule::kMoving];
      for (int k = 0; k < Rule::kMoving; ++k) element[k] = moving[k].at[j];
      rule(rates, given.at[j], element);
      for (int k = 0; k < Rule::kMoving; ++k) moving[k].at[j] = element[k];
    }
    for (int k = 0; k < Rule::kMoving; ++k)
      store_part(moving[k], arrays.moving[k] + own + begin, -begin, end - begin, whole);
  }
}

// The ranges and the length of the arrays.
struct StepSpan {
  StepRanges ranges;
  int64_t count;
};

template <class Rule, class RatesOf>
void step(const Queue& queue, const Rule& rule, const StepArrays<Rule::kMoving>& arrays,
          const StepSpan& span, const RatesOf& rates_of) {
  for_batches(span.ranges, span.count, [&](StepRanges batch) {
    const int64_t origin = batch.front().begin / kWide * kWide;
    const int64_t blocks = ceil_div(batch.back().end - origin, int64_t{kWide} * kThreads);
    with_table(batch, rates_of, [&](const auto& table) {
      launch(queue, static_cast<unsigned>(blocks), kThreads,
             step_kernel<Rule, sizeof(table.at) / sizeof(table.at[0])>, rule, arrays,
             arrays.are_packed(), origin, table);
    });
  });
}

struct SgdPlain {
  using Rates = SgdRates;
  static constexpr int kMoving = 1;  // value
  __device__ void operator()(const Rates& rates, float gradient, float (&moving)[1]) const {
    float& value = moving[0];
    value -= rates.lr_in * rates.lr_out * (gradient + rates.weight_decay * value);
  }
};

template <bool kNesterov>
struct SgdMomentum {
  using Rates = SgdRates;
  static constexpr int kMoving = 2;  // value, velocity
  __device__ void operator()(const Rates& rates, float gradient, float (&moving)[2]) const {
    float &value = moving[0], &velocity = moving[1];
    const float slope = rates.lr_in * (gradient + rates.weight_decay * value);
    velocity = rates.momentum * velocity + slope;
    value -= rates.lr_out * (kNesterov ? slope + rates.momentum * velocity : velocity);
  }
};

// Updates the running means. Returns mean / (sqrt(square) + epsilon); only square is
// bias-corrected.
__device__ float direction(const AdamMoments& moments, float slope, float& mean, float& square) {
  mean = moments.keep_mean * mean + moments.add_mean * slope;
  square = moments.keep_square * square + moments.add_square * slope * slope;
  return mean / (std::sqrt(square) * moments.root_scale + moments.epsilon);
}

struct Adam {
  using Rates = AdamRates;
  static constexpr int kMoving = 3;  // value, mean, square
  AdamMoments moments;
  __device__ void operator()(const Rates& rates, float gradient, float (&moving)[3]) const {
    float& value = moving[0];
    const float slope = gradient + rates.weight_decay * value;
    value = rates.keep_value * value -
            rates.step_size * direction(moments, slope, moving[1], moving[2]);
  }
};

struct Lamb {
  struct Rates {
    float weight_decay;
  };
  static constexpr int kMoving = 3;  // gradient, mean, square
  AdamMoments moments;
  __device__ void operator()(const Rates& rates, float value, float (&moving)[3]) const {
    float& gradient = moving[0];
    gradient = moments.mean_scale * direction(moments, gradient, moving[1], moving[2]) +
               rates.weight_decay * value;
  }
};

// A block sums the squares of one piece of a range. Pieces are numbered over all ranges.
constexpr int kPacksEach = 8;
constexpr int64_t kPiece = int64_t{kPacksEach} * kThreads * kWide;
struct Pieces {
  int64_t first, count;
};

// Sums in f32 if the squares are neither tiny nor huge, else in f64.
struct SumOfSquares {
  float usual = 0;
  double rest = 0;

  __device__ void add(const Pack<float, kWide>& pack) {
    float sum = 0;
    for (float value : pack.at) sum += value * value;
    if (sum >= 1e-30f && sum <= 1e30f) {
      usual += sum;
    } else {
      for (float value : pack.at) rest += static_cast<double>(value) * static_cast<double>(value);
    }
  }
};

template <int kMost>
__global__ void __launch_bounds__(kThreads)
    squares_kernel(const float* x, bool packed, RangeTable<Pieces, kMost> ranges, double* sums) {
  int low = 0, high = ranges.count;  // finds the last range that does not start after this piece
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (ranges.at[middle].facts.first <= blockIdx.x ? low : high) = middle;
  }
  const int64_t begin = ranges.at[low].begin, end = ranges.at[low].end;
  const int64_t piece = blockIdx.x - ranges.at[low].facts.first;
  const int64_t own = begin / kWide * kWide + piece * kPiece + int64_t{threadIdx.x} * kWide;
  SumOfSquares sum;
  for (int k = 0; k < kPacksEach; ++k) {
    const int64_t at = own + int64_t{k} * kThreads * kWide;
    if (at >= end) break;
    const bool whole = packed && at >= begin && at + kWide <= end;
    sum.add(load_part<kWide>(x + begin, at - begin, end - begin, whole));
  }
  const double total = block_all(static_cast<double>(sum.usual) + sum.rest, Plus{}, 0.0);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

// One block per range.
template <int kMost>
__global__ void __launch_bounds__(kThreads)
    norms_kernel(const double* sums, RangeTable<Pieces, kMost> ranges, float* norms) {
  const Pieces pieces = ranges.at[blockIdx.x].facts;
  double sum = 0;
  for (int64_t i = threadIdx.x; i < pieces.count; i += kThreads) sum += sums[pieces.first + i];
  sum = block_all(sum, Plus{}, 0.0);
  if (threadIdx.x == 0) norms[blockIdx.x] = static_cast<float>(std::sqrt(sum));
}

}  // namespace

void CudaBackend::do_sgd_step(const SgdParams& params, ConstView gradient, View value,
                              View velocity) {
  const auto rates_of = [&](const StepRange& range) { return sgd_rates(params, range); };
  const StepSpan span{params.ranges, value.elements()};
  const auto* slopes = gradient.as<float>();
  if (params.momentum == 0)
    return step(queue_, SgdPlain{}, {slopes, {value.as<float>()}}, span, rates_of);
  const StepArrays<2> arrays{slopes, {value.as<float>(), velocity.as<float>()}};
  if (params.nesterov)
    step(queue_, SgdMomentum<true>{}, arrays, span, rates_of);
  else
    step(queue_, SgdMomentum<false>{}, arrays, span, rates_of);
}

void CudaBackend::do_adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                               View square) {
  const auto rates_of = [&](const StepRange& range) { return adam_rates(params, range); };
  step(queue_, Adam{adam_moments(params)},
       {gradient.as<float>(), {value.as<float>(), mean.as<float>(), square.as<float>()}},
       {params.ranges, value.elements()}, rates_of);
}

void CudaBackend::do_lamb_direction(const AdamParams& params, View gradient, ConstView value,
                                    View mean, View square) {
  auto rates_of = [&](const StepRange& range) -> Lamb::Rates {
    return {static_cast<float>(params.weight_decay * range.weight_decay)};
  };
  step(queue_, Lamb{adam_moments(params)},
       {value.as<float>(), {gradient.as<float>(), mean.as<float>(), square.as<float>()}},
       {params.ranges, value.elements()}, rates_of);
}

void CudaBackend::do_norms(StepRanges ranges, ConstView x, View norms) {
  auto* to = norms.as<float>();
  if (ranges.empty()) return;
  for_batches(ranges, x.elements(), [&](StepRanges batch) {
    int64_t pieces = 0;
    auto pieces_of = [&](const StepRange& range) -> Pieces {
      const int64_t first = pieces;
      if (range.end > range.begin)
        pieces += ceil_div(range.end - range.begin / kWide * kWide, kPiece);
      return {first, pieces - first};
    };
    with_table(batch, pieces_of, [&](const auto& table) {
      constexpr int kMost = sizeof(table.at) / sizeof(table.at[0]);
      const Scratch<double> sums(pool_, pieces);
      launch(queue_, static_cast<unsigned>(pieces), kThreads, squares_kernel<kMost>, x.as<float>(),
             are_aligned(sizeof(float) * kWide, x.data), table, sums.data());
      launch(queue_, static_cast<unsigned>(table.count), kThreads, norms_kernel<kMost>, sums.data(),
             table, to);
    });
    to += batch.size();
  });
}

}  // namespace d2l::cuda
