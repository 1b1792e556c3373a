#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/weights/zip_builder.h"

// Pickles and archives that tests assemble by hand. Bytes are strings.
namespace d2l::weights::test {

using namespace std::string_literals;

inline std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline const std::string kProtocol2 = "\x80\x02";

inline std::string pickled(const std::string& text) {
  return "X" + little_endian(text.size(), 4) + text;
}
inline std::string pickled(int64_t number) {
  return "\x8a\x08" + little_endian(static_cast<uint64_t>(number), 8);
}
// pickled_name("torch Size")
inline std::string pickled_name(std::string name) {
  name.replace(name.find(' '), 1, "\n");
  return "c" + name + "\n";
}
inline std::string pickled_tuple(const std::vector<int64_t>& numbers) {
  std::string text = "(";
  for (const int64_t number : numbers) text += pickled(number);
  return text + "t";
}
// Values are pickles.
inline std::string pickled_dictionary(
    const std::vector<std::pair<std::string, std::string>>& items) {
  std::string text = "}(";
  for (const auto& [key, value] : items) text += pickled(key) + value;
  return text + "u";
}

struct TensorSpec {
  std::string key = "0";
  std::string storage = "torch FloatStorage";
  int64_t elements = 6;
  int64_t offset = 0;
  std::vector<int64_t> sizes = {6}, strides = {1};
  std::string part = {};  // pickle of the sixth value of the storage's identifier
};

inline std::string pickled(const TensorSpec& spec) {
  return pickled_name("torch._utils _rebuild_tensor_v2") + "((" + pickled("storage") +
         pickled_name(spec.storage) + pickled(spec.key) + pickled("cpu") + pickled(spec.elements) +
         spec.part + "tQ" + pickled(spec.offset) + pickled_tuple(spec.sizes) +
         pickled_tuple(spec.strides) + "\x89" + pickled_name("collections OrderedDict") + ")RtR";
}

// An archive of stored entries: (name, content).
inline FileBytes zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::vector<ZipItem> items;
  for (const auto& [name, content] : entries) items.push_back(stored_item(name, content));
  return zip_bytes(items);
}

}  // namespace d2l::weights::test
