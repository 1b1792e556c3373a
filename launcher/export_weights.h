#pragma once

#include <filesystem>

#include "launcher/stored_network.h"

namespace d2l::launcher {

// Writes a network as a .safetensors file that PyTorch can load into the same network: its names,
// its order of axes, and a counter num_batches_tracked for each batch norm. The metadata have the
// name of the network, its input, its classes and the normalisation of the images. Throws Error;
// the file at `to` is then unchanged.
void export_weights(const StoredNetwork& network, const std::filesystem::path& to);

}  // namespace d2l::launcher
