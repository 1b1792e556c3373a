#pragma once

#include <filesystem>
#include <memory>

#include "framework/weights/weight_file.h"
#include "framework/weights/zip_file.h"

namespace d2l::weights {

// The HDF5 files that Keras writes: save_weights("x.h5"), save("x.h5") and, in Keras 3,
// save_weights("x.weights.h5"). The weights of the optimizer are not listed. Throws Error for other
// HDF5 files. Elements have no checksum.
std::unique_ptr<WeightFile> open_keras(const std::filesystem::path& path);

// The entry of a .keras file, which is a ZIP archive, that is such an HDF5 file.
constexpr const char* kKerasEntry = "model.weights.h5";
// Expects an archive with this entry, stored without compression as Keras does it.
std::unique_ptr<WeightFile> open_keras_zip(std::unique_ptr<const ZipFile> zip);

}  // namespace d2l::weights
