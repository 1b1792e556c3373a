#pragma once

#include <filesystem>
#include <memory>

#include "framework/checkpoint/store.h"
#include "framework/weights/weight_file.h"

namespace d2l {

// Whether the file begins like a checkpoint of d2l.
bool is_checkpoint(const std::filesystem::path& path);

// The parameters and buffers of a checkpoint under their names in the network, and its averaged
// weights, if it has any, with the prefix "ema."; texts() has the checkpoint's texts.
std::unique_ptr<weights::WeightFile> checkpoint_weights(CheckpointStore::Found checkpoint);

}  // namespace d2l
