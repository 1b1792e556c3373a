#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "launcher/stored_network.h"

namespace d2l::launcher {

struct WeightsToImport {
  std::filesystem::path file;  // as for load_start_weights()
  // Called for what may be wrong: other metadata about the preparation of the images, or a damaged
  // checkpoint of a run folder that is skipped.
  std::function<void(const std::string& message)> warn = [](const std::string&) {};
};

// Writes a checkpoint that describes the network and the training data of `like` and has the
// weights of a file. It has no state of a training, so that no run can resume from it. Returns the
// table of load_start_weights(). Throws Error, and changes nothing at `to`, unless all arrays of
// the network match and are finite, and if the metadata of a .safetensors file name another
// network, another number of classes or other class names.
std::string import_weights(const WeightsToImport& weights, const StoredNetwork& like,
                           const std::filesystem::path& to);

}  // namespace d2l::launcher
