#pragma once

#include <cstdint>
#include <span>

#include "framework/backend/augmentation.h"
#include "framework/backend/view.h"
#include "framework/base/rng.h"

namespace d2l {

// An activation that a kernel applies to its result before storing it. Its derivative is a function
// of the result alone, so the backward pass needs no other values.
enum class Activation { none, relu, sigmoid, tanh };

// Height and width, in pixels.
struct Extent {
  int64_t height = 1;
  int64_t width = 1;

  bool operator==(const Extent&) const = default;
};

// out = activation(op(a) x op(b) + bias). Rank 2: [m, k] x [k, n] -> [m, n]. Rank 3: the same for
// each leading index. A transposed operand is stored as [k, m] or [n, k].
struct MatmulParams {
  bool transpose_a = false;
  bool transpose_b = false;
  Activation activation = Activation::none;
};

enum class ConvolutionPass : int64_t { forward, backward_input, backward_weight };

// Cross-correlation as the book defines it (chapter 6.2). Images N, H, W, C; weights O, H, W, I.
struct Conv2dParams {
  Extent stride{1, 1};
  Extent padding{0, 0};  // zeros on both sides
  Activation activation = Activation::none;

  bool operator==(const Conv2dParams&) const = default;
};

enum class Pooling { max, average };

// average counts padding zeros as elements, as the book and PyTorch do by default. With `ceil`
// (PyTorch's ceil_mode, max only) the number of windows is rounded up: elements outside the image
// are ignored, and every window overlaps the image.
struct Pool2dParams {
  Pooling kind = Pooling::max;
  Extent window{2, 2};
  Extent stride{2, 2};
  Extent padding{0, 0};
  bool ceil = false;

  bool operator==(const Pool2dParams&) const = default;
};

// A convolution, then a pooling of its result, as one operation.
struct ConvPoolParams {
  Conv2dParams conv;
  Pool2dParams pool;
  bool input_gradient = true;  // whether the gradient of the input will be needed
};

struct BatchNormParams {
  double epsilon = 1e-5;
  Activation activation = Activation::none;
};

struct LayerNormParams {
  double epsilon = 1e-5;
};

struct AttentionParams {
  int64_t heads = 1;
};

// Element i of the input is kept if word first_element + i of the key's sequence is at least p; it
// is then scaled by 1 / (1 - p). The same call computes the gradient, so no mask is stored. Ranks
// that hold other parts of a batch pass other offsets, so that all see one global mask. step (i64
// [1] or {}) is mixed into the key's stream when the kernel runs, so that each replay of a
// recording (see Backend::record) draws new numbers.
struct DropoutParams {
  double p = 0.5;
  RngKey key = {};
  int64_t first_element = 0;
  ConstView step = {};
};

// How images of bytes become floating-point numbers. Random choices are a function of the key and
// the sample's number.
struct ImageParams {
  Augmentation augmentation = {};
  RngKey key = {};
};

// Elements [begin, end) of an optimizer's flat arrays, with factors on the learning rate and the
// weight decay. Lists of ranges ascend and do not overlap. Elements in no range do not change. An
// empty list means all elements, with factors 1.
struct StepRange {
  int64_t begin = 0, end = 0;
  double lr = 1;
  double weight_decay = 1;

  bool operator==(const StepRange&) const = default;
};
using StepRanges = std::span<const StepRange>;

// v = momentum v + (g + weight_decay w); w -= lr v (nesterov: lr (g + weight_decay w + momentum
// v)). With lr_in_velocity, as in LARS: v = momentum v + lr (g + weight_decay w); w -= v.
struct SgdParams {
  double lr = 0.1;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool lr_in_velocity = false;
  StepRanges ranges = {};
};

// Kingma and Ba, "Adam", 2015. `step` counts from 1. decoupled: AdamW (Loshchilov and Hutter,
// 2019).
struct AdamParams {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;
  int64_t step = 1;
  StepRanges ranges = {};
};

}  // namespace d2l
