#include "data/shards/shard_dataset.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "framework/base/checksum.h"
#include "framework/base/error.h"

namespace d2l::data {
namespace {

// The description of the whole split, with mean and deviation if all shards know their sums.
DatasetInfo description_of(const std::vector<ShardFile>& files) {
  DatasetInfo info = files.front().info().dataset;
  PixelSums sums;
  for (const ShardFile& file : files) {
    if (!file.sums()) return info;
    sums.add(*file.sums());
  }
  info.mean = sums.mean();
  info.deviation = sums.deviation();
  return info;
}

// `record`: of this sample of the file.
int64_t label_in(const SampleRecord& record, const ShardFile& file, int64_t sample) {
  if (record.bytes == 0)
    throw DamagedSample(
        concat(file.path().string(), ": the record of sample ", sample, " is damaged"));
  return record.label;
}

}  // namespace

ShardDataset::ShardDataset(const std::filesystem::path& folder, Split split,
                           const ShardDatasetOptions& options)
    : ShardDataset(open_shards(folder, split), options) {}

ShardDataset::ShardDataset(std::vector<ShardFile> files, const ShardDatasetOptions& options)
    : Dataset(description_of(files)),
      files_(std::move(files)),
      cache_bytes_(cache_bytes_of(files_, options)),
      records_(std::make_unique<Records[]>(files_.size())),
      cache_(cache_bytes_) {
  for (const ShardFile& file : files_)
    for (int64_t i = 0; i < file.blocks(); ++i) content_bytes_ += file.block(i).bytes;
  single_ = content_bytes_ > cache_bytes_ && !options.by_blocks &&
            std::all_of(files_.begin(), files_.end(),
                        [](const ShardFile& file) { return file.has_single_samples(); });
}

uint64_t ShardDataset::cache_bytes_of(const std::vector<ShardFile>& files,
                                      const ShardDatasetOptions& options) {
  if (options.cache_blocks == 0) return options.cache_bytes;
  std::vector<uint64_t> sizes;
  for (const ShardFile& file : files)
    for (int64_t i = 0; i < file.blocks(); ++i) sizes.push_back(file.block(i).bytes);
  const auto count = std::min(static_cast<int64_t>(sizes.size()), options.cache_blocks);
  const auto end = sizes.begin() + count;
  if (end != sizes.end()) std::nth_element(sizes.begin(), end, sizes.end(), std::greater<>());
  return std::accumulate(sizes.begin(), end, uint64_t{0});
}

uint64_t ShardDataset::memory_bound() const {
  uint64_t bytes = 0;
  for (const ShardFile& file : files_) bytes += file.memory();
  if (single_) return bytes + static_cast<uint64_t>(samples()) * sizeof(SampleRecord);
  return bytes + std::min(content_bytes_, cache_bytes_);
}

std::vector<int64_t> ShardDataset::blocks() const {
  std::vector<int64_t> firsts;
  for (const ShardFile& file : files_)
    for (int64_t i = 0; i < file.blocks(); ++i)
      firsts.push_back(file.info().first + file.block(i).first);
  return firsts;
}

uint64_t ShardDataset::content_checksum() const {
  std::vector<uint64_t> parts;
  for (const ShardFile& file : files_)
    for (uint64_t part : file.content_checksums()) parts.push_back(part);
  return checksum(parts.data(), parts.size() * sizeof(uint64_t));
}

size_t ShardDataset::shard_of(int64_t index) const {
  const auto after = std::upper_bound(
      files_.begin(), files_.end(), index,
      [](int64_t wanted, const ShardFile& file) { return wanted < file.info().first; });
  return static_cast<size_t>(after - files_.begin()) - 1;
}

std::string ShardDataset::place_of(int64_t index) const {
  const ShardFile& file = files_[shard_of(index)];
  return file.place_of(index - file.info().first);
}

std::string ShardDataset::name_of(int64_t index) const {
  const ShardFile& file = files_[shard_of(index)];
  return file.name_of(index - file.info().first);
}

int64_t ShardDataset::label_of(int64_t index) const {
  int64_t label = 0;
  read_labels(index, {&label, 1});
  return label;
}

void ShardDataset::read_labels(int64_t begin, std::span<int64_t> labels) const {
  for (size_t done = 0; done < labels.size();) {
    const int64_t index = begin + static_cast<int64_t>(done);
    const ShardFile& file = files_[shard_of(index)];
    const int64_t sample = index - file.info().first;
    const int64_t end =
        std::min(file.info().samples, sample + static_cast<int64_t>(labels.size() - done));
    const int64_t block = file.block_of(sample);
    const std::vector<SampleRecord> records =
        file.read_records(block, file.block_of(end - 1) - block + 1);
    for (int64_t i = sample; i < end; ++i)
      labels[done++] = label_in(records[static_cast<size_t>(i - file.block(block).first)], file, i);
  }
}

std::vector<int64_t> ShardDataset::count_labels(int64_t samples) const {
  std::vector<int64_t> counts(static_cast<size_t>(classes()));
  for (const ShardFile& file : files_) {
    const int64_t left = samples - file.info().first;
    if (left <= 0) break;
    if (left >= file.info().samples) {
      const std::vector<int64_t> more = file.class_counts();
      std::transform(counts.begin(), counts.end(), more.begin(), counts.begin(), std::plus<>());
      continue;
    }
    const std::vector<SampleRecord> records = file.read_records(0, file.block_of(left - 1) + 1);
    for (int64_t sample = 0; sample < left; ++sample)
      ++counts[static_cast<size_t>(label_in(records[static_cast<size_t>(sample)], file, sample))];
  }
  return counts;
}

void ShardDataset::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  // In the order of the files: each block is read once, and a disk moves forward.
  std::vector<size_t> order(indices.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return indices[a] < indices[b]; });
  if (single_) return visit_single(indices, order, visitor);
  visit_blocks(indices, order, visitor);
}

void ShardDataset::visit_blocks(std::span<const int64_t> indices, std::span<const size_t> order,
                                const Visitor& visitor) const {
  for (size_t next = 0; next < order.size();) {
    const int64_t index = indices[order[next]];
    const size_t shard = shard_of(index);
    const int64_t first = files_[shard].info().first;
    const int64_t number = files_[shard].block_of(index - first);
    const BlockPlace place = files_[shard].block(number);
    const int64_t begin = first + place.first, end = begin + place.samples;
    const auto block = cached_block(shard, number);
    const size_t start = next;
    for (; next < order.size() && indices[order[next]] < end; ++next)
      visitor(order[next], block->sample(static_cast<size_t>(indices[order[next]] - begin)));
    if (content_bytes_ > cache_bytes_)
      cache_.count_used(key_of(shard, number), static_cast<int64_t>(next - start), place.samples);
  }
}

void ShardDataset::visit_single(std::span<const int64_t> indices, std::span<const size_t> order,
                                const Visitor& visitor) const {
  std::vector<uint8_t> bytes;
  for (size_t position : order) {
    const size_t shard = shard_of(indices[position]);
    const int64_t sample = indices[position] - files_[shard].info().first;
    const SampleRecord& record = records_of(shard)[static_cast<size_t>(sample)];
    visitor(position, files_[shard].read_sample(sample, record, bytes));
  }
}

const std::vector<SampleRecord>& ShardDataset::records_of(size_t shard) const {
  Records& records = records_[shard];
  std::call_once(records.once,
                 [&] { records.all = files_[shard].read_records(0, files_[shard].blocks()); });
  return records.all;
}

uint64_t ShardDataset::key_of(size_t shard, int64_t block) {
  return uint64_t{shard} << 40 | static_cast<uint64_t>(block);
}

BlockCache::Block ShardDataset::cached_block(size_t shard, int64_t index) const {
  const ShardFile& file = files_[shard];
  return cache_.get(key_of(shard, index), file.block(index).bytes,
                    [&] { return file.read_block(index); });
}

}  // namespace d2l::data
