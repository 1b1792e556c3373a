#pragma once

#include "framework/backend/cuda/cudnn_descriptor.h"

// What bench-cudnn-fusions measures: graphs of cuDNN's that d2l does not use, next to those it
// does.
namespace d2l::cuda {

enum class Fusion {
  forward,            // y = x * weight
  forward_with_sums,  // and each channel's sums of y and of its squares, as batch norm wants them
  input_gradient,     // x = the gradient of the input by y
  added_gradient      // x += that
};

// A convolution of bf16 images with stride 1 whose results have the images' size; `kernel` is odd.
struct FusionCase {
  int64_t batch, side, in, out, kernel;

  int64_t x_elements() const { return batch * side * side * in; }
  int64_t y_elements() const { return batch * side * side * out; }
  int64_t weight_elements() const { return out * kernel * kernel * in; }
};

// The tensors' numbers in graphs; the sums are f32.
struct FusionTensor {
  static constexpr int64_t kX = 1, kWeight = 2, kY = 3, kSums = 4, kSquares = 5;
};

// Finalized.
Descriptor fusion_graph(cudnnHandle_t handle, Fusion fusion, const FusionCase& c);

// A way to do it, and the settings that it was made of.
struct FusionPlan {
  Descriptor config, plan;
};
// As cuDNN expects them to rank by speed, at most `most`; those that it compiles are made too,
// which takes seconds each.
std::vector<FusionPlan> fusion_plans(const Descriptor& graph, size_t most);

}  // namespace d2l::cuda
