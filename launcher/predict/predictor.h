#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/transform/pipeline.h"
#include "framework/backend/backend.h"
#include "framework/nn/module.h"
#include "framework/tensor/feed.h"

namespace d2l::predict {

struct PredictorParts {
  nn::Module& model;
  Backend& backend;
  Backend& host;  // for batches in host memory
  const data::Dataset& samples;
  data::Pipeline steps;  // of images
  int64_t channels = 3;  // of the network's input, if it reads images
  int64_t outputs = 10;  // of the network: one per class, or 1
  DType activations = DType::f32;
  Normalisation normalisation = {};
  int64_t batch_size = 64;
  int loader_threads = 1;
};

// The samples that a rank computes: whole batches, so that the batches, and with them the bits of
// all results, do not depend on the number of ranks.
struct Share {
  int64_t begin = 0, end = 0;
};
Share share_of(int64_t samples, int64_t batch_size, int rank, int ranks);

// What the network says about an intact sample.
struct Output {
  int64_t sample = 0;             // its number in the dataset
  int64_t label = 0;              // of the dataset
  float target = 0;               // instead of the label, if the dataset's targets are numbers
  std::span<const float> values;  // all of them finite
};

// Calls `visitor` for the samples of a share in ascending order. Returns a line for each damaged
// one, which it leaves out. Throws Error if the samples cannot be read or the network's outputs are
// not finite.
std::vector<std::string> predict_share(const PredictorParts& parts, const Share& share,
                                       const std::function<void(const Output&)>& visitor);

}  // namespace d2l::predict
