#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace d2l::data {

// The SHA-256 digest (FIPS 180-4) of bytes that arrive piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(const void* bytes, size_t count);
  // The digest of all bytes as 64 lower-case hexadecimal digits. Call it once, after all add().
  std::string digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The digest of a regular file. Throws Error with the path if it cannot be read.
std::string sha256_of(const std::filesystem::path& path);

}  // namespace d2l::data
