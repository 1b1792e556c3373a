#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "framework/weights/weight_file.h"

namespace d2l::weights {

constexpr uint64_t kMostSafetensorsHeader = 100'000'000;  // bytes; the limit of the format

// The JSON header of a safetensors file.
struct SafetensorsHeader {
  struct Array {
    WeightInfo info;
    uint64_t begin = 0, end = 0;  // of its bytes, from the end of the header
  };
  std::vector<Array> arrays;
  std::map<std::string, std::string> metadata;
};

// Accepts exactly what the format allows. Throws Error, whose message begins with `path`, for
// anything else: other JSON, names or keys that are there twice, unknown element types. Does not
// check where the arrays are.
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& path);

}  // namespace d2l::weights
