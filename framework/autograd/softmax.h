#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

Variable softmax(const Variable& x);      // over the last axis
Variable log_softmax(const Variable& x);  // over the last axis

struct CrossEntropy {
  Variable losses;  // [n], one per sample
  Tensor correct;   // [n], 1 where the first largest logit is the label
};

// Softmax and cross-entropy in one (chapter 3.7): scores (logits) [n, classes], labels i64 [n];
// bf16 scores become f32 first. Labels are trusted to be in [0, classes); datasets check them when
// they are opened.
CrossEntropy cross_entropy(const Variable& scores, const Tensor& labels);

// (prediction - target)^2 / 2, element by element (chapter 3.1).
Variable squared_loss(const Variable& prediction, const Tensor& target);

}  // namespace d2l
