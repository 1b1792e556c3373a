#include "examples/support/datasets.h"

#include <cstdlib>

#include "data/formats/image.h"
#include "framework/base/files.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"

namespace d2l::examples {

std::filesystem::path data_folder() {
  const char* folder = std::getenv("D2L_DATA_DIR");
  return folder != nullptr ? folder : "data";
}

std::shared_ptr<const data::Dataset> open(const std::string& name, data::Split split) {
  return data::open_dataset(name, data_folder(), split);
}

Tensor read_picture(const std::filesystem::path& file) {
  const std::string bytes = read_text_file(file);
  data::Image image;
  data::decode_image(std::span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), 3,
                     image);
  return from_vector(default_backend(), image.shape, image.pixels).cast(DType::f32) / 255;
}

}  // namespace d2l::examples
