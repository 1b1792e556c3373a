#pragma once

#include <filesystem>
#include <memory>

#include "framework/weights/weight_file.h"
#include "framework/weights/zip_file.h"

namespace d2l::weights {

// NumPy's formats (numpy.lib.format, versions 1 to 3): a .npy file has one array without a name,
// which gets the file's name without its extension; a .npz file is a ZIP archive of .npy files.
// Elements may be in either byte order, arrays in C or Fortran order. Objects, strings, complex
// numbers and structures are an Error.
std::unique_ptr<WeightFile> open_npy(const std::filesystem::path& path);
std::unique_ptr<WeightFile> open_npz(std::unique_ptr<const ZipFile> zip);

}  // namespace d2l::weights
