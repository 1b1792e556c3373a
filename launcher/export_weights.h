#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "launcher/stored_network.h"

namespace d2l::launcher {

// What the metadata of a .safetensors file say about a network: its name, its input, its classes
// and the preparation of the images.
std::map<std::string, std::string> network_metadata(const StoredNetwork& network);

// Writes a network as a .safetensors file that PyTorch can load into the same network: its names,
// its order of axes, and a counter num_batches_tracked for each batch norm, with
// network_metadata(). Throws Error; the file at `to` is then unchanged.
void export_weights(const StoredNetwork& network, const std::filesystem::path& to);

}  // namespace d2l::launcher
