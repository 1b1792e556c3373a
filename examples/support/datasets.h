#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/catalog.h"
#include "framework/tensor/tensor.h"

namespace d2l::examples {

// Where datasets are: the variable D2L_DATA_DIR, or else data/.
std::filesystem::path data_folder();

// Fashion-MNIST and other known datasets, from data_folder(); `d2l-data fetch fashion-mnist
// --data-dir data` puts them there. Throws Error.
std::shared_ptr<const data::Dataset> open(const std::string& name, data::Split split);

// A JPEG or PNG file as f32 [h, w, 3] with values from 0 to 1. Throws Error.
Tensor read_picture(const std::filesystem::path& file);

}  // namespace d2l::examples
