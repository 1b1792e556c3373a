#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "tests/fuzz/target.h"

namespace d2l::fuzz {

// A file in memory for parsers that read files. Returns its path. There is only one.
inline const std::string& memory_file(const uint8_t* bytes, size_t size) {
  static const int file = memfd_create("fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(ftruncate(file, 0) == 0 && pwrite(file, bytes, size, 0) == static_cast<ssize_t>(size));
  return path;
}

}  // namespace d2l::fuzz
