#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/packing/team.h"
#include "launcher/predict/preparation.h"

namespace d2l::predict {

inline constexpr int64_t kNoLabel = -1;

// The images to classify.
struct ImageSet {
  std::unique_ptr<data::Dataset> dataset;
  std::string what;  // "2,000 samples of fashion-mnist (test)"
  // The network's label for each of the dataset's labels; empty: the labels are not known.
  std::vector<int64_t> labels;
  std::vector<std::string> notes;  // what a user should know, such as what was left out

  bool has_labels() const { return !labels.empty(); }
  // Of an image in the CSV file: the path of its file or, if that is not known, its number.
  std::string name_of(int64_t index) const;
};

// Finds the images that the options name. Collective. Throws Error if there are none.
ImageSet find_images(const PredictOptions& options, const StoredNetwork& network,
                     const data::PackTeam& team, int threads);

}  // namespace d2l::predict
