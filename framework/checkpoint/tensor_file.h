#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "framework/tensor/tensor.h"

namespace d2l {

// Tensors with names (chapter 5.5), for programs of one's own. A model is written with
// ParameterSet::named_tensors() and read with ParameterSet::copy_from(). Training runs have
// checkpoints instead: see file.h.

// Writes a safetensors file, atomically: i64 as such, all other types as f32. Throws Error.
void save_tensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors);

// All tensors of a file, f32 on default_backend(). Reads every format that open_weights() knows:
// safetensors, PyTorch, NumPy, Keras. Throws Error.
std::map<std::string, Tensor> load_tensors(const std::filesystem::path& path);

}  // namespace d2l
