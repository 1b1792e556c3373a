#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "framework/nn/parameter_set.h"
#include "framework/weights/weight_file.h"

namespace d2l::launcher {

// The weights with which a network begins, and where they come from.
struct StartWeights {
  std::filesystem::path file;  // see weights::open_weights(), or a checkpoint or run folder of d2l
  std::string model;           // the network's name, for messages
  Shape input{224, 224, 3};    // of a sample, see network_arrays()
  // Called for each damaged checkpoint of a run folder that is skipped.
  std::function<void(const std::string& message)> warn = [](const std::string&) {};
  bool is_whole = false;  // the last layer must match, too
};

// Opens the file; of a run folder, the best checkpoint. Throws Error.
std::unique_ptr<weights::WeightFile> open_start_weights(const StartWeights& weights);

// Overwrites the parameters and buffers of a network (--weights). The arrays of its last layer may
// be missing or have another shape, unless is_whole: they keep their initial values. Returns a
// table of what was loaded and what was not. Throws Error if any other array is missing or has
// another shape, with the first three of them and the network of the zoo that the file fits, if
// there is one.
std::string load_start_weights(const StartWeights& weights, nn::ParameterSet& parameters);
// The same with the open file.
std::string load_start_weights(const StartWeights& weights, const weights::WeightFile& file,
                               nn::ParameterSet& parameters);

}  // namespace d2l::launcher
