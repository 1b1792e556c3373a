#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "framework/weights/weight_file.h"
#include "tests/support/support.h"

namespace d2l::weights::test {

using namespace d2l::test;

// Bytes of a file that a test makes by hand. Numbers are little-endian.
class FileBytes {
 public:
  FileBytes() = default;
  FileBytes(const std::string& text) : bytes_(text.begin(), text.end()) {}

  template <class Number>
  FileBytes& number(Number number) {
    const auto* from = reinterpret_cast<const uint8_t*>(&number);
    bytes_.insert(bytes_.end(), from, from + sizeof number);
    return *this;
  }
  FileBytes& u16(uint64_t value) { return number(static_cast<uint16_t>(value)); }
  FileBytes& u32(uint64_t value) { return number(static_cast<uint32_t>(value)); }
  FileBytes& u64(uint64_t value) { return number(value); }
  FileBytes& add(const FileBytes& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
    return *this;
  }

  const std::vector<uint8_t>& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  FileBytes cut(size_t size) const {
    FileBytes content = *this;
    content.bytes_.resize(size);
    return content;
  }

 private:
  std::vector<uint8_t> bytes_;
};

template <class Number>
FileBytes numbers(const std::vector<Number>& values) {
  FileBytes content;
  for (const Number value : values) content.number(value);
  return content;
}

inline void write_content(const std::filesystem::path& path, const FileBytes& content) {
  // Makes a new file: some file systems wait for the disk when a file is truncated and rewritten.
  std::filesystem::remove(path);
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(content.bytes().data()),
               static_cast<std::streamsize>(content.size()));
}

inline FileBytes content_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

// "a [2, 3] f32; b [] i64"
inline std::string list_of(const WeightFile& file) {
  std::string text;
  for (const WeightInfo& info : file.weights())
    text += concat(text.empty() ? "" : "; ", info.name, " ", info.shape, " ", to_string(info.type));
  return text;
}

}  // namespace d2l::weights::test
