#include "data/shards/shard_file.h"

#include <zlib.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "data/shards/shard_reader.h"
#include "framework/base/error.h"

namespace d2l::data {

struct ShardFile::State {
  State(const std::filesystem::path& path, std::shared_ptr<DescriptorPool> pool)
      : file(path, std::move(pool)), description(read_description(file)) {
    chunks_left = static_cast<int64_t>(description.images.chunks.size());
    chunk_crcs.resize(description.images.chunks.size());
    chunk_seen.resize(description.images.chunks.size());
  }

  InputFile file;
  ShardDescription description;

  std::mutex mutex;
  std::vector<uint32_t> chunk_crcs;  // of the chunks read, to check images_crc
  std::vector<bool> chunk_seen;
  int64_t chunks_left = 0;

  std::vector<uint8_t> read(int64_t chunk) const;
  void remember(int64_t chunk, const std::vector<uint8_t>& bytes);
  void check_whole() const;
  int64_t chunk_size(int64_t chunk) const {
    const ShardInfo& info = description.info;
    return std::min(info.chunk_samples, info.samples - chunk * info.chunk_samples);
  }
  int64_t chunk_bytes(int64_t chunk) const {
    return chunk_size(chunk) * description.info.dataset.input_elements();
  }
};

ShardFile::ShardFile(const std::filesystem::path& path, std::shared_ptr<DescriptorPool> pool)
    : state_(std::make_unique<State>(path, std::move(pool))) {}
ShardFile::~ShardFile() = default;
ShardFile::ShardFile(ShardFile&&) noexcept = default;
ShardFile& ShardFile::operator=(ShardFile&&) noexcept = default;

const std::filesystem::path& ShardFile::path() const { return state_->file.path(); }
const ShardInfo& ShardFile::info() const { return state_->description.info; }
const std::vector<int64_t>& ShardFile::labels() const { return state_->description.labels; }
uint32_t ShardFile::images_crc() const { return state_->description.images_crc; }
uint64_t ShardFile::stored_bytes() const { return state_->description.images.stored_bytes; }

int64_t ShardFile::chunks() const {
  return static_cast<int64_t>(state_->description.images.chunks.size());
}
int64_t ShardFile::chunk_size(int64_t chunk) const { return state_->chunk_size(chunk); }

std::vector<uint8_t> ShardFile::read_chunk(int64_t chunk) const {
  std::vector<uint8_t> bytes = state_->read(chunk);
  state_->remember(chunk, bytes);
  return bytes;
}

void ShardFile::verify() const {
  for (int64_t chunk = 0; chunk < chunks(); ++chunk) read_chunk(chunk);
  state_->check_whole();
}

std::vector<uint8_t> ShardFile::State::read(int64_t chunk) const {
  try {
    std::vector<uint8_t> bytes =
        hdf5::read_chunk(file, description.images, static_cast<size_t>(chunk));
    bytes.resize(static_cast<size_t>(chunk_bytes(chunk)));  // the last chunk is padded
    return bytes;
  } catch (const hdf5::FormatError& error) {
    const int64_t first = chunk * description.info.chunk_samples;
    fail(file.path().string(), ": images ", first, " to ", first + chunk_size(chunk) - 1,
         " are damaged (", error.what(), ")");
  }
}

void ShardFile::State::remember(int64_t chunk, const std::vector<uint8_t>& bytes) {
  const size_t at = static_cast<size_t>(chunk);
  {
    std::lock_guard lock(mutex);
    if (chunk_seen[at]) return;
  }
  const uint32_t crc = crc_of(0, bytes.data(), bytes.size());
  std::lock_guard lock(mutex);
  if (chunk_seen[at]) return;
  chunk_seen[at] = true;
  chunk_crcs[at] = crc;
  if (--chunks_left == 0) check_whole();
}

void ShardFile::State::check_whole() const {
  uLong crc = 0;
  for (size_t chunk = 0; chunk < chunk_crcs.size(); ++chunk)
    crc = crc32_combine(crc, chunk_crcs[chunk],
                        static_cast<z_off_t>(chunk_bytes(static_cast<int64_t>(chunk))));
  const uint32_t expected = description.images_crc;
  check(crc == expected, file.path().string(),
        ": dataset 'images': it is damaged: expected checksum ", expected, ", found ", crc);
}

}  // namespace d2l::data
