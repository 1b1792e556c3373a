#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l::examples {

// A sheet of images, as an SVG file: images f32 [n, h, w, c] with values from 0 to 1, c = 1 or 3,
// each with its title, if there are titles. Each is `scale` times as large as its pixels.
void save_images(const std::filesystem::path& file, const std::string& title, const Tensor& images,
                 const std::vector<std::string>& titles, int columns, double scale = 1);

// A rectangle in an image, in pixels.
struct DrawnBox {
  double left = 0, top = 0, right = 0, bottom = 0;
  std::string label = {};
};
// An image [h, w, c] with rectangles around its objects.
void save_boxes(const std::filesystem::path& file, const std::string& title, const Tensor& image,
                const std::vector<DrawnBox>& boxes);

}  // namespace d2l::examples
