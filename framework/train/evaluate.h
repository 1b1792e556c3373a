#pragma once

#include <vector>

#include "framework/comm/communicator.h"
#include "framework/nn/module.h"
#include "framework/tensor/feed.h"
#include "framework/train/objective.h"

namespace d2l {

struct Evaluation {
  double loss = 0;              // average over all samples
  std::vector<double> metrics;  // of the objective
};

struct EvaluationParts {
  nn::Module& model;
  const Objective& objective;
  BatchSource& data;
  Backend& backend;
  Communicator& comm;
  DType activations = DType::f32;
  Normalisation normalisation = {};
  int64_t pieces = 1;  // into which a rank's part of a batch is split, to save memory
  // A power of two: batches are cut into so many slices, evaluated one by one, so that any number
  // of ranks that divides it gives the same bits. 0: off.
  int64_t slices = 0;
};

// Evaluates the model on all of the data, every sample exactly once, shared among the ranks.
// Collective. Returns the same result on every rank.
Evaluation evaluate(const EvaluationParts& parts);

}  // namespace d2l
