#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "framework/checkpoint/snapshot.h"

namespace d2l::test {

template <class T>
Snapshot::Array array_of(const Shape& shape, const std::vector<T>& values) {
  Snapshot::Array array{dtype_of<T>(), shape, std::vector<uint8_t>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

inline Snapshot::Array ramp(const Shape& shape, float start = 0) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = start + 0.5f * static_cast<float>(i);
  return array_of(shape, values);
}

// A small network's training state of about 10 KB. The bytes of no array occur in another one.
inline Snapshot sample_snapshot(int64_t step = 42) {
  auto start = static_cast<float>(step);
  Snapshot snapshot;
  snapshot.arrays["parameters/conv1.weight"] = ramp({6, 5, 5, 1}, start + 0.125f);
  snapshot.arrays["parameters/conv1.bias"] = ramp({6}, start);
  snapshot.arrays["parameters/fc.weight"] = ramp({10, 84}, start + 0.25f);
  snapshot.arrays["optimizer/velocity/fc.weight"] = ramp({10, 84}, 0.375f - start);
  snapshot.integers["progress/step"] = step;
  snapshot.integers["progress/epoch"] = step / 10;
  snapshot.reals["progress/loss_sum"] = 0.25;
  snapshot.texts["config"] = "model = lenet\nlr = 0.1\n";
  return snapshot;
}

// Whether all bits are equal, texts included. Does not use the code under test.
inline bool same(const Snapshot& a, const Snapshot& b) {
  auto equal_bits = [](double x, double y) { return std::memcmp(&x, &y, sizeof x) == 0; };
  auto equal_arrays = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.dtype == y.second.dtype &&
           x.second.shape == y.second.shape && x.second.bytes == y.second.bytes;
  };
  auto equal_reals = [&](const auto& x, const auto& y) {
    return x.first == y.first && equal_bits(x.second, y.second);
  };
  return a.integers == b.integers && a.texts == b.texts &&
         std::equal(a.arrays.begin(), a.arrays.end(), b.arrays.begin(), b.arrays.end(),
                    equal_arrays) &&
         std::equal(a.reals.begin(), a.reals.end(), b.reals.begin(), b.reals.end(), equal_reals);
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void put_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);  // some file systems wait for the disk when a file is truncated
  std::ofstream stream(path, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace d2l::test
