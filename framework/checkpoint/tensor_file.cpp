#include "framework/checkpoint/tensor_file.h"

#include "framework/tensor/create.h"
#include "framework/weights/safetensors.h"

namespace d2l {

void save_tensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors) {
  std::vector<weights::WeightToWrite> arrays;
  for (const auto& [name, tensor] : tensors) {
    check(tensor.defined(), "save_tensors: '", name, "' is an undefined tensor");
    arrays.push_back({.name = name,
                      .shape = tensor.shape(),
                      .values = [tensor = tensor] { return tensor.to_vector<float>(); },
                      .type = tensor.dtype() == DType::i64 ? weights::ElementType::i64
                                                           : weights::ElementType::f32});
  }
  weights::write_safetensors(path, arrays, {});
}

std::map<std::string, Tensor> load_tensors(const std::filesystem::path& path) {
  const auto file = weights::open_weights(path);
  std::map<std::string, Tensor> tensors;
  for (size_t i = 0; i < file->weights().size(); ++i) {
    const weights::WeightInfo& info = file->weights()[i];
    tensors.emplace(info.name, from_vector(default_backend(), info.shape, file->read(i)));
  }
  return tensors;
}

}  // namespace d2l
