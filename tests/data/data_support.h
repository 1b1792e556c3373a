#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "data/memory_dataset.h"
#include "data/shards/shard_writer.h"
#include "framework/base/rng.h"
#include "tests/support/support.h"

namespace d2l::data::test {

using namespace d2l::test;

// Bytes like noise: byte i is a function of i and the seed.
inline std::vector<uint8_t> noise(size_t count, uint64_t seed = 7) {
  std::vector<uint8_t> bytes(count);
  for (size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<uint8_t>(random_word({seed, 1}, i) >> 24);
  return bytes;
}

// `samples` images of 4 x 3 x 2 with labels 0, 3, 1, 4, 2, 0, ... of 5 classes.
inline std::unique_ptr<MemoryDataset> small_dataset(int64_t samples) {
  DatasetInfo info;
  info.name = "small";
  info.shape = {4, 3, 2};
  info.classes = 5;
  info.class_names = {"ant", "bee", "cat", "dog", "eel"};
  info.source = "tests";
  info.licence = "none";
  std::vector<uint8_t> labels(static_cast<size_t>(samples));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i * 3 % 5);
  return std::make_unique<MemoryDataset>(info, noise(labels.size() * 24), labels);
}

inline std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> all(static_cast<size_t>(end - begin));
  std::iota(all.begin(), all.end(), begin);
  return all;
}

struct Content {
  std::vector<uint8_t> images;
  std::vector<int64_t> labels;
  bool operator==(const Content&) const = default;
};

inline Content content_of(const Dataset& dataset, const std::vector<int64_t>& indices) {
  Content content;
  content.images.resize(indices.size() * static_cast<size_t>(dataset.info().input_elements()));
  content.labels.resize(indices.size());
  dataset.read_bytes(indices, content.images.data(), content.labels.data());
  return content;
}

inline Content content_of(const Dataset& dataset) {
  return content_of(dataset, range(0, dataset.samples()));
}

inline std::vector<uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
  // Makes a new file: some file systems wait for the disk when a file is truncated and rewritten.
  std::filesystem::remove(path);
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

// Writes `source` as `shards` files into `folder`, in chunks of `chunk_samples`.
inline void write_shards(const std::filesystem::path& folder, const Dataset& source, int shards,
                         int64_t chunk_samples = 0, int deflate = 0) {
  for (int index = 0; index < shards; ++index) {
    ShardInfo info;
    info.dataset = source.info();
    info.index = index;
    info.shards = shards;
    info.first = source.samples() * index / shards;
    info.samples = source.samples() * (index + 1) / shards - info.first;
    info.deflate = deflate;
    const auto chunk_bytes = static_cast<uint64_t>(chunk_samples * info.dataset.shape.elements());
    write_shard(
        folder / shard_name(Split::train, index, shards), info, source, [] {},
        chunk_samples > 0 ? chunk_bytes : kUsualChunkBytes);
  }
}

}  // namespace d2l::data::test
