#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "framework/comm/mpi_session.h"

namespace d2l::predict {

// What a network says about images: one entry per intact image, in the order of the images.
struct Predictions {
  explicit Predictions(int64_t most_probable) : top(most_probable) {}

  int64_t top;                       // classes per image
  std::vector<int64_t> images;       // numbers in the dataset
  std::vector<int64_t> labels;       // of the network, or kNoLabel
  std::vector<int64_t> before;       // how many classes have a larger score than the label
  std::vector<int64_t> classes;      // [images, top], the most probable first
  std::vector<double> probability;   // of these classes
  std::vector<std::string> damaged;  // one line for each damaged image

  int64_t count() const { return static_cast<int64_t>(images.size()); }
  int64_t best(int64_t image) const { return classes[static_cast<size_t>(image * top)]; }

  // Adds an image with these scores, all of which must be finite.
  void add(int64_t image, int64_t label, std::span<const float> scores);
};

// Those of all ranks, in the order of the ranks; every rank gets them. Collective.
Predictions gather_predictions(const Predictions& mine, const MpiSession& session);

// The numbers that a network predicts: one entry per intact sample, in the order of the samples.
struct PredictedNumbers {
  std::vector<int64_t> samples;  // numbers in the dataset
  std::vector<float> values;
  std::vector<float> targets;        // 0 if they are not known
  std::vector<std::string> damaged;  // one line for each damaged sample
};
PredictedNumbers gather_predictions(const PredictedNumbers& mine, const MpiSession& session);

// How many images have their label among the `top` classes with the largest scores. Of equal scores
// that of the first class counts as larger if `top` is 1, as in the accuracy that d2l-train prints.
int64_t count_correct(const Predictions& predictions, int64_t top);

}  // namespace d2l::predict
