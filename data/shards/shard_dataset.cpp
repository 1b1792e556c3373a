#include "data/shards/shard_dataset.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "data/folder_content.h"
#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

struct Place {
  int index = 0;
  int shards = 0;
};

// The parts of a file name, if it is a shard's.
std::optional<Place> place_of(const std::string& file, Split split) {
  const std::string example = shard_name(split, 0, 1), begin = to_string(split) + "-";
  if (file.size() != example.size() || !file.starts_with(begin)) return {};
  Place place;
  const char* numbers = file.data() + begin.size();
  std::from_chars(numbers, numbers + 5, place.index);
  std::from_chars(numbers + 9, numbers + 14, place.shards);
  if (file != shard_name(split, place.index, place.shards)) return {};
  return place;
}

// Checks that the names form one complete set.
void check_names(const std::vector<std::filesystem::path>& paths,
                 const std::filesystem::path& folder, Split split) {
  check(!paths.empty(), folder.string(), ": expected ", to_string(split), " shards (",
        to_string(split), "-00000-of-NNNNN.h5), found none: the folder ",
        content_text(folder, ".h5"));
  const int shards = place_of(paths.front().filename().string(), split)->shards;
  std::vector<bool> present(static_cast<size_t>(shards));
  for (const std::filesystem::path& path : paths) {
    const Place place = *place_of(path.filename().string(), split);
    check(place.shards == shards, folder.string(), ": expected one set of shards, found ",
          paths.front().filename().string(), " and ", path.filename().string());
    check(place.index < shards, path.string(), ": expected a shard number below ", shards);
    present[static_cast<size_t>(place.index)] = true;
  }
  std::vector<std::string> missing;
  for (int index = 0; index < shards && missing.size() < 3; ++index)
    if (!present[static_cast<size_t>(index)]) missing.push_back(shard_name(split, index, shards));
  check(missing.empty(), folder.string(), ": expected ", shards, " ", to_string(split),
        " shards, found ", paths.size(), "; missing: ", join(missing, ", "),
        missing.size() < static_cast<size_t>(shards) - paths.size() ? ", ..." : "");
}

// Checks that `shard` belongs to the set of `first` and starts at sample `expected_first`.
void check_fits(const ShardFile& shard, const ShardFile& first, Split split,
                int64_t expected_first) {
  const std::string path = shard.path().string(), other = first.path().filename().string();
  const ShardInfo &a = shard.info(), &b = first.info();
  check(shard.path().filename() == shard_name(split, a.index, a.shards), path,
        ": expected that shard, found the content of ", shard_name(a.split, a.index, a.shards));
  check(a.split == split, path, ": expected a ", to_string(split), " shard, found one of split ",
        to_string(a.split));
  check(a.dataset.name == b.dataset.name, path, ": expected dataset '", b.dataset.name, "' as in ",
        other, ", found '", a.dataset.name, "'");
  check(a.dataset.shape == b.dataset.shape, path, ": expected inputs of shape ", b.dataset.shape,
        " as in ", other, ", found ", a.dataset.shape);
  check(a.dataset.classes == b.dataset.classes, path, ": expected ", b.dataset.classes,
        " classes as in ", other, ", found ", a.dataset.classes);
  check(a.dataset.class_names == b.dataset.class_names, path, ": expected the class names of ",
        other, ", found others");
  check(a.dataset.samples == b.dataset.samples, path, ": expected a dataset of ", b.dataset.samples,
        " samples as in ", other, ", found one of ", a.dataset.samples);
  check(a.first == expected_first, path, ": expected ", expected_first,
        " as its first sample, found ", a.first);
}

uint64_t key_of(size_t shard, int64_t chunk) {
  return uint64_t{shard} << 40 | static_cast<uint64_t>(chunk);
}

}  // namespace

std::vector<std::filesystem::path> find_shards(const std::filesystem::path& folder, Split split) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (place_of(entry->path().filename().string(), split)) found.push_back(entry->path());
  check(!error || error == std::errc::no_such_file_or_directory ||
            error == std::errc::not_a_directory,
        "cannot read the folder ", folder.string(), ": ", error.message());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<ShardFile> ShardDataset::open_all(const std::filesystem::path& folder, Split split) {
  const std::vector<std::filesystem::path> paths = find_shards(folder, split);
  check_names(paths, folder, split);
  const auto pool = std::make_shared<DescriptorPool>();
  std::vector<ShardFile> files;
  int64_t samples = 0;
  for (const std::filesystem::path& path : paths) {
    files.emplace_back(path, pool);
    check_fits(files.back(), files.front(), split, samples);
    samples += files.back().info().samples;
  }
  check(samples == files.front().info().dataset.samples, folder.string(), ": expected ",
        files.front().info().dataset.samples, " samples in all shards, found ", samples);
  return files;
}

ShardDataset::ShardDataset(const std::filesystem::path& folder, Split split, uint64_t cache_bytes)
    : ShardDataset(open_all(folder, split), cache_bytes) {}

ShardDataset::ShardDataset(std::vector<ShardFile> files, uint64_t cache_bytes)
    : Dataset(files.front().info().dataset), files_(std::move(files)), cache_bytes_(cache_bytes) {}

uint64_t ShardDataset::cached_bytes() const {
  std::lock_guard lock(mutex_);
  return cached_bytes_;
}

uint64_t ShardDataset::content_checksum() const {
  std::vector<uint64_t> parts;
  for (const ShardFile& file : files_) {
    parts.push_back(file.images_crc());
    parts.push_back(checksum(file.labels().data(), file.labels().size() * sizeof(int64_t)));
  }
  return checksum(parts.data(), parts.size() * sizeof(uint64_t));
}

size_t ShardDataset::shard_of(int64_t index) const {
  auto after = std::upper_bound(
      files_.begin(), files_.end(), index,
      [](int64_t wanted, const ShardFile& file) { return wanted < file.info().first; });
  return static_cast<size_t>(after - files_.begin()) - 1;
}

int64_t ShardDataset::label_of(int64_t index) const {
  const ShardFile& file = files_[shard_of(index)];
  return file.labels()[static_cast<size_t>(index - file.info().first)];
}

void ShardDataset::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  // Chunk by chunk, so that each is read once even if the cache is too small for all.
  struct Wanted {
    uint64_t key;
    size_t position;
  };
  std::vector<Wanted> wanted(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) {
    const size_t shard = shard_of(indices[i]);
    const ShardInfo& info = files_[shard].info();
    wanted[i] = {key_of(shard, (indices[i] - info.first) / info.chunk_samples), i};
  }
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const Wanted& a, const Wanted& b) { return a.key < b.key; });
  Chunk current;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const size_t shard = wanted[i].key >> 40;
    const ShardInfo& info = files_[shard].info();
    const int64_t within = indices[wanted[i].position] - info.first;
    if (i == 0 || wanted[i].key != wanted[i - 1].key)
      current = chunk(shard, within / info.chunk_samples);
    const size_t elements = static_cast<size_t>(info.dataset.input_elements());
    const size_t offset = static_cast<size_t>(within % info.chunk_samples) * elements;
    visitor(wanted[i].position, {.encoding = Encoding::pixels,
                                 .bytes = std::span(*current).subspan(offset, elements),
                                 .shape = shape(),
                                 .label = files_[shard].labels()[static_cast<size_t>(within)]});
  }
}

ShardDataset::Chunk ShardDataset::chunk(size_t shard, int64_t number) const {
  const uint64_t key = key_of(shard, number);
  {
    std::lock_guard lock(mutex_);
    auto found = cache_.find(key);
    if (found != cache_.end()) {
      uses_.splice(uses_.begin(), uses_, found->second.use);
      return found->second.chunk;
    }
  }
  // Read without the lock: other threads can use cached chunks meanwhile, or at worst read the same
  // chunk.
  Chunk chunk = std::make_shared<const std::vector<uint8_t>>(files_[shard].read_chunk(number));
  std::lock_guard lock(mutex_);
  if (chunk->size() > cache_bytes_ || cache_.contains(key)) return chunk;
  while (cached_bytes_ + chunk->size() > cache_bytes_) {
    auto oldest = cache_.find(uses_.back());
    cached_bytes_ -= oldest->second.chunk->size();
    cache_.erase(oldest);
    uses_.pop_back();
  }
  uses_.push_front(key);
  cache_[key] = {chunk, uses_.begin()};
  cached_bytes_ += chunk->size();
  return chunk;
}

}  // namespace d2l::data
