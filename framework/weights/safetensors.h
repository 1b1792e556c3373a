#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "framework/weights/weight_file.h"

namespace d2l::weights {

// The safetensors format: 8 bytes with the length of a JSON header, the header, then the elements
// (huggingface/safetensors, README of version 0.5). Throws Error unless the header is at most 100
// MB, and the arrays fill the rest of the file without gaps and overlaps.
std::unique_ptr<WeightFile> open_safetensors(const std::filesystem::path& path);

// An array to be written.
struct WeightToWrite {
  std::string name;
  Shape shape;
  std::function<std::vector<float>()> values;  // called when it is written
  ElementType type = ElementType::f32;         // or i64, for whole numbers
};

// Writes atomically (see replace_file in framework/base/files.h). `metadata` becomes the header's
// __metadata__. Throws Error; the file at `path` is then unchanged.
void write_safetensors(const std::filesystem::path& path, const std::vector<WeightToWrite>& arrays,
                       const std::map<std::string, std::string>& metadata);

}  // namespace d2l::weights
