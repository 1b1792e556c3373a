#pragma once

#include "data/transform/pipeline.h"
#include "framework/backend/backend.h"
#include "framework/nn/module.h"
#include "framework/train/feed.h"
#include "launcher/predict/image_set.h"
#include "launcher/predict/predictions.h"

namespace d2l::predict {

struct PredictorParts {
  nn::Module& model;
  Backend& backend;
  Backend& host;  // for batches in host memory
  const ImageSet& images;
  data::Pipeline steps;  // of the images
  int64_t channels = 3;  // of the network's input
  int64_t classes = 10;
  DType activations = DType::f32;
  Normalisation normalisation = {};
  int64_t batch_size = 64;
  int loader_threads = 1;
};

// The images that a rank classifies: whole batches, so that the batches, and with them the bits of
// all results, do not depend on the number of ranks.
struct Share {
  int64_t begin = 0, end = 0;
};
Share share_of(int64_t images, int64_t batch_size, int rank, int ranks);

// Classifies the images of a share. Throws Error if the images cannot be read or the network's
// outputs are not finite; single damaged images are listed in the result.
Predictions predict_share(const PredictorParts& parts, const Share& share, int64_t top);

}  // namespace d2l::predict
