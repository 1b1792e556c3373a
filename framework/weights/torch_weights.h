#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "framework/weights/pickle.h"
#include "framework/weights/strided_view.h"
#include "framework/weights/weight_file.h"

namespace d2l::weights {

// The tensors and texts of a pickled dictionary. The two kinds of files differ in where the
// storages are.
class TorchWeights : public WeightFile {
 protected:
  explicit TorchWeights(const std::filesystem::path& path) : WeightFile(path, "PyTorch") {}

  // Adds what the pickle has, with names joined by dots. Throws Error unless every tensor lies
  // inside its storage. `name_of_pickle` is for messages.
  void add_pickle(const Pickle& pickle, const std::string& name_of_pickle);

 private:
  class Walk;

  struct Array {
    size_t storage = 0;  // index in Pickle::storages()
    uint64_t begin = 0;  // of the view's block in the storage, in bytes
    StridedView view;
    size_t element_bytes = 0;
  };

  std::vector<uint8_t> read_bytes(size_t index) const override;
  // Bytes [begin, begin + count) of a storage.
  virtual std::vector<uint8_t> read_storage(size_t storage, uint64_t begin,
                                            uint64_t count) const = 0;

  std::vector<Array> arrays_;
};

}  // namespace d2l::weights
