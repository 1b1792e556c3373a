#pragma once

#include "framework/comm/communicator.h"
#include "framework/nn/module.h"
#include "framework/train/feed.h"

namespace d2l {

struct Evaluation {
  double loss = 0;      // averages over all samples
  double accuracy = 0;  // 0 to 1
};

struct EvaluationParts {
  nn::Module& model;
  BatchSource& data;
  Backend& backend;
  Communicator& comm;
  DType activations = DType::f32;
  Normalisation normalisation = {};
  int64_t pieces = 1;  // that a rank's part of a batch is cut into, to save memory
};

// The model on all of the data, every sample exactly once, shared among the ranks, with plain
// cross-entropy. The same answer on every rank.
Evaluation evaluate(const EvaluationParts& parts);

}  // namespace d2l
