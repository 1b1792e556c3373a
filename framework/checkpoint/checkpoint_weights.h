#pragma once

#include <filesystem>
#include <memory>

#include "framework/weights/weight_file.h"

namespace d2l {

// Whether the file begins like a checkpoint of d2l.
bool is_checkpoint(const std::filesystem::path& path);

// The parameters and buffers of a checkpoint under their names in the network, and its averaged
// weights, if it has any, with the prefix "ema."; texts() has the checkpoint's texts. Throws what
// read_checkpoint() throws.
std::unique_ptr<weights::WeightFile> open_checkpoint_weights(const std::filesystem::path& path);

}  // namespace d2l
