#pragma once

#include "framework/backend/cuda/cudnn_descriptor.h"

// The graphs that bench-cudnn-fusions measures: cuDNN graphs that d2l does not use, compared with
// those that it uses.
namespace d2l::cuda {

enum class Fusion {
  forward,            // y = x * weight
  forward_with_sums,  // and per-channel sums of y and its squares, as for batch norm
  input_gradient,     // x = the input's gradient from y
  added_gradient      // x += that
};

// A convolution of bf16 images with stride 1 whose results have the images' size; `kernel` is odd.
struct FusionCase {
  int64_t batch, side, in, out, kernel;

  int64_t x_elements() const { return batch * side * side * in; }
  int64_t y_elements() const { return batch * side * side * out; }
  int64_t weight_elements() const { return out * kernel * kernel * in; }
};

// The tensors' identifiers in graphs; the sums are f32.
struct FusionTensor {
  static constexpr int64_t kX = 1, kWeight = 2, kY = 3, kSums = 4, kSquares = 5;
};

// Returns a finalized graph.
Descriptor fusion_graph(cudnnHandle_t handle, Fusion fusion, const FusionCase& c);

// An execution plan and its configuration.
struct FusionPlan {
  Descriptor config, plan;
};
// At most `most` plans, in the order of cuDNN's expected speed, including those that it compiles,
// which takes seconds each.
std::vector<FusionPlan> fusion_plans(const Descriptor& graph, size_t most);

}  // namespace d2l::cuda
