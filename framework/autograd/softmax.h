#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

Variable softmax(const Variable& x);      // over the last axis
Variable log_softmax(const Variable& x);  // over the last axis

struct CrossEntropy {
  Variable losses;  // [n], one per sample
  Tensor correct;   // [n], 1 where the first largest logit is the label
};

// Softmax and cross-entropy in one operation (chapter 3.7): scores (logits) [n, classes], labels
// i64 [n]. bf16 scores are converted to f32 first. Labels must be in [0, classes); this is not
// checked here, since datasets check them when they are opened. With label_smoothing s in [0, 1],
// the loss is (1 - s) times the plain loss plus s times its average over all labels (Szegedy et
// al., 2016; PyTorch's formula).
CrossEntropy cross_entropy(const Variable& scores, const Tensor& labels,
                           double label_smoothing = 0);

// (prediction - target)^2 / 2, element by element (chapter 3.1).
Variable squared_loss(const Variable& prediction, const Tensor& target);

}  // namespace d2l
