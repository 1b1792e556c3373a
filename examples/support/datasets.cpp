#include "examples/support/datasets.h"

#include <cstdlib>

namespace d2l::examples {

std::shared_ptr<const data::Dataset> open(const std::string& name, data::Split split) {
  const char* folder = std::getenv("D2L_DATA_DIR");
  return data::open_dataset(name, folder != nullptr ? folder : "data", split);
}

}  // namespace d2l::examples
