#pragma once

#include "tests/backend/cases/compare.h"

namespace d2l::test {

// Batch normalisation in doubles, with the same steps as the backend's.
struct PlainBatchNorm {
  void batch_norm_statistics(const ConstView& x, const Backend::NormStatistics& of_batch,
                             const Backend::NormRunning& running) const;
  void batch_norm_apply(const BatchNormParams& params, const Backend::NormOperands& in,
                        const Backend::NormStatistics& given, const View& y,
                        const View& mask) const;
  void batch_norm_gradient_sums(const BatchNormParams& params, const Backend::NormOperands& in,
                                const Backend::NormStatistics& of_batch,
                                const Backend::NormOutput& out,
                                const Backend::NormGradients& gradients) const;
  void batch_norm_gradient_input(const BatchNormParams& params, const Backend::NormOperands& in,
                                 const Backend::NormStatistics& of_batch,
                                 const Backend::NormOutput& out,
                                 const Backend::NormGradients& gradients) const;
};

// Channels that fill whole packs and that do not, few and many, and more than one block.
inline const std::vector<Shape> kNormShapes = {
    {5, 9, 9, 6}, {85, 120},     {3, 10, 10, 16}, {7, 1},   {1, 8},         {3, 3},
    {700, 12},    {3, 5, 7, 20}, {40, 33},        {61, 10}, {9, 512},       {2, 2048},
    {5, 300},     {2, 9, 9, 64}, {17, 28, 28, 6}, {86, 84}, {1, 4, 4, 512}, {4, 7, 7, 24}};

}  // namespace d2l::test
