#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace d2l::vision {

// The parts of a COCO file as they are written, before ids are looked up.
struct CocoContent {
  struct Image {
    int64_t id = 0, width = 0, height = 0;
    std::string name;
  };
  struct Category {
    int64_t id = 0;
    std::string name;
  };
  struct BoxLine {
    int64_t image = 0, category = 0;
    std::array<double, 4> box{};  // left, top, width, height
    double area = std::numeric_limits<double>::quiet_NaN();
    bool crowd = false;
  };

  std::vector<Image> images;
  std::vector<Category> categories;
  std::vector<BoxLine> annotations;
};

// Reads token by token, so that only this content is in memory. Throws Error that begins with
// `file` for text that is no JSON, for missing keys, repeated keys and values of other types.
CocoContent parse_coco_content(std::string_view json, const std::string& file);

}  // namespace d2l::vision
