#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/packing/team.h"
#include "launcher/predict/preparation.h"

namespace d2l::predict {

inline constexpr int64_t kNoLabel = -1;

// The images, or the rows of a table, for which a network makes predictions.
struct SampleSet {
  std::unique_ptr<data::Dataset> dataset;
  std::string what;           // "2,000 samples of fashion-mnist (test)"
  std::string key = "image";  // name of the first column of the CSV file
  std::string target;         // of a table: name of its target column
  bool has_targets = false;   // of a table whose targets are numbers: they are known
  // The network's label for each of the dataset's labels; empty: the labels are not known.
  std::vector<int64_t> labels;
  std::vector<std::string> notes;  // what a user should know, such as what was left out

  bool has_labels() const { return !labels.empty(); }
  // In the first column of the CSV file. Of an image: the path of its file or, if that is not
  // known, its number from 0. Of a row: its id or, if it has none, its number from 1.
  std::string name_of(int64_t index) const;
};

// Finds the images that the options name, or the rows if the network was trained on a table.
// Collective. Throws Error if there are none.
SampleSet find_samples(const PredictOptions& options, const StoredNetwork& network,
                       const data::PackTeam& team, int threads);

}  // namespace d2l::predict
