#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/support.h"

// Pickles and archives that tests assemble by hand. Bytes are strings.
namespace d2l::weights::test {

using namespace d2l::test;
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

inline uint32_t crc32_of(const std::string& bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320U : 0);
  }
  return ~crc;
}

// A ZIP archive of stored entries (APPNOTE.TXT, 4.3).
inline std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string file, directory;
  for (const auto& [name, bytes] : entries) {
    const std::string common = "\x14\0\0\0\0\0\0\0\0\0"s + little_endian(crc32_of(bytes), 4) +
                               little_endian(bytes.size(), 4) + little_endian(bytes.size(), 4) +
                               little_endian(name.size(), 2) + "\0\0"s;
    directory +=
        "PK\x01\x02\x14\0"s + common + std::string(10, '\0') + little_endian(file.size(), 4) + name;
    file += "PK\x03\x04" + common + name + bytes;
  }
  const std::string count = little_endian(entries.size(), 2);
  return file + directory + "PK\x05\x06\0\0\0\0"s + count + count +
         little_endian(directory.size(), 4) + little_endian(file.size(), 4) + "\0\0"s;
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string file_content(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace d2l::weights::test
