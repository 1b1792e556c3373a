#pragma once

#include <cmath>

#include "framework/base/dtype.h"

namespace d2l::test {

// |found - wanted| <= absolute + relative |wanted|; NaN and infinities must agree.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

// One rounding to 16 bits may differ.
inline constexpr double kOneRounding = 1.0 / 128;

// Allowed differences, by the device under test and the results' dtype. {}: exactly equal.
struct Tolerances {
  Tolerance cpu;   // f32 on the CPU, from doubles
  Tolerance cuda;  // f32 on a GPU, from the CPU
  Tolerance half;  // bf16 and f16 on either

  Tolerance of(DType dtype, bool on_cuda) const {
    return is_half(dtype) ? half : on_cuda ? cuda : cpu;
  }
  // For sums of more or larger terms.
  Tolerances scaled(double factor) const {
    Tolerances result = *this;
    for (Tolerance* each : {&result.cpu, &result.cuda, &result.half}) each->absolute *= factor;
    return result;
  }
};

namespace tolerances {

inline constexpr Tolerances kExact{};
// Averages of two values up to 20 that a GPU rounds to f16 before; the reference does not.
inline constexpr Tolerances kAveragedHalves{{}, {}, {kOneRounding, 0.01}};

// exp, log and similar functions: implementations on devices differ by a few units in the last
// place.
inline constexpr Tolerances kTranscendental{{2e-6, 5e-7}, {4e-6, 1e-6}, {kOneRounding, 1e-6}};
// One denormal step; CUDA may differ from the CPU by a few units.
inline constexpr Tolerances kExpOfExtremes{{3e-7, 1.5e-45}, {4e-6, 1e-6}, {}};
inline constexpr Tolerances kLogOfExtremes{{2e-7}, {4e-6, 1e-6}, {}};
inline constexpr Tolerances kGelu{{2e-7, 5e-7}, {4e-6, 1e-6}, {}};
// Units of 2^-24 by which CPU results may differ; CUDA results are compared with the CPU's.
constexpr Tolerances units_of_f32(double units) { return {{units * 0x1p-24}, {4e-6, 1e-6}, {}}; }
// Two or three roundings, or a product and a sum that may be fused.
inline constexpr Tolerances kFewRoundings{{1e-6, 1e-6}, {4e-6, 1e-6}, {kOneRounding, 1e-6}};

inline constexpr Tolerances kSum{{1e-6, 2e-6}, {1e-6, 2e-6}, {kOneRounding, 2e-6}};
inline constexpr Tolerances kLongSum{{2e-6}, {2e-6}, {}};
inline constexpr Tolerances kLongColumns{{1e-5}, {1e-5}, {}};
inline constexpr Tolerances kCumsum{{1e-7, 1e-6}, {1e-6, 1e-6}, {}};
inline constexpr Tolerances kOrderedSum{{}, {1e-5, 1e-4}, {}};
inline constexpr Tolerances kOverlappingSum{{1e-5, 1e-5}, {1e-5, 1e-5}, {}};

// Relative to the magnitude of sums of products. 16 bits: results are rounded, factors may be.
inline constexpr Tolerances kProduct{{3e-5, 3e-5}, {1e-5, 1e-5}, {2e-2, 2e-2}};
inline constexpr Tolerances kProductOf16Bits{{2e-2, 2e-2}, {2e-2, 2e-2}, {2e-2, 2e-2}};

inline constexpr Tolerances kPooling{{1e-6, 2e-6}, {1e-6, 1e-6}, {kOneRounding, 1e-6}};
// f16: a CPU does not round the result between two kernels.
inline constexpr Tolerances kPoolingTwice{{1e-6, 2e-6}, {1e-6, 1e-6}, {kOneRounding, 1e-3}};

inline constexpr Tolerances kSoftmax{{3e-6, 1e-30}, {2e-6, 1e-37}, {}};
inline constexpr Tolerances kLogSoftmax{{1e-6, 2e-6}, {1e-6, 1e-6}, {}};
inline constexpr Tolerances kSoftmaxGradient{{1e-5, 3e-7}, {1e-6, 1e-7}, {}};
inline constexpr Tolerances kLogSoftmaxGradient{{1e-5, 1e-6}, {1e-6, 1e-6}, {}};
inline constexpr Tolerances kCrossEntropy{{3e-6, 2e-6}, {2e-6, 1e-6}, {}};
inline constexpr Tolerances kCrossEntropyGradient{{1e-6}, {}, {}};

inline constexpr Tolerances kStatistics{{1e-5, 1e-5}, {2e-6, 1e-6}, {}};
// Values lose 1e-3 next to a value of 3e4.
inline constexpr Tolerances kOddStatistics{{1e-5, 2e-3}, {2e-6, 2e-3}, {}};
inline constexpr Tolerances kConstants{{1e-6, 1e-12}, {}, {}};
inline constexpr Tolerances kNormalized{{1e-5, 1e-5}, {1e-6, 2e-6}, {kOneRounding, 1e-5}};
inline constexpr Tolerances kNormalizedFarFromZero{{1e-4, 1e-4}, {1e-4, 1e-4}, {1.0 / 64, 0.01}};
inline constexpr Tolerances kNormGradient{{1e-5, 1e-4}, {1e-5, 6e-5}, {kOneRounding, 1e-4}};
// The CPU rounds the gradient before sigmoid and tanh to the activations' type.
inline constexpr Tolerances kNormGradientOf16Bits{{0.01, 0.2}, {0.01, 0.2}, {0.01, 0.2}};
inline constexpr Tolerances kNormInputGradient{{2e-6, 1e-5}, {2e-6, 1e-5}, {kOneRounding, 1e-4}};
inline constexpr Tolerances kNormStep{{2e-4, 2e-4}, {2e-4, 2e-4}, {}};
// Results are rounded between kernels.
inline constexpr Tolerances kNormStepOf16Bits{{0.01, 0.2}, {0.01, 0.2}, {1.0 / 32, 0.1}};

inline constexpr Tolerances kLayerNorm{{1e-5, 1e-4}, {1e-5, 1e-4}, {kOneRounding, 1e-4}};
inline constexpr Tolerances kLayerNormGradient{{1e-4, 2e-6}, {1e-5, 2e-6}, {kOneRounding, 2e-6}};

inline constexpr Tolerances kAttention{{1e-5, 1e-5}, {1e-5, 1e-5}, {kOneRounding, 1e-5}};
// Large scores have few decimal places in f32.
inline constexpr Tolerances kAttentionOfLargeScores{{1e-5, 2e-3}, {2e-5, 2e-5}, {}};

inline constexpr Tolerances kStep{{2e-6, 1e-6}, {2e-6, 1e-6}, {}};
inline constexpr Tolerances kLamb{{2e-5, 2e-6}, {4e-6, 4e-6}, {}};
inline constexpr Tolerances kNorms{{1e-6}, {5e-7}, {}};
inline constexpr Tolerances kComposedNorms{{1e-5}, {1e-5}, {}};

}  // namespace tolerances
}  // namespace d2l::test
