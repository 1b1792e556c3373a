#include "data/shards/shard_set.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "data/folder_content.h"
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
  check(shard.version() == first.version(), path, ": expected format version ", first.version(),
        " as in ", other, ", found ", shard.version());
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

std::vector<ShardFile> open_shards(const std::filesystem::path& folder, Split split) {
  const std::vector<std::filesystem::path> paths = find_shards(folder, split);
  check_names(paths, folder, split);
  const auto pool = std::make_shared<DescriptorPool>();
  std::vector<ShardFile> files;
  int64_t samples = 0;
  for (const std::filesystem::path& path : paths) {
    files.emplace_back(path, pool);
    check_fits(files.back(), files.front(), split, samples);
    samples += files.back().info().samples;
    if (files.size() > 1) files.back().drop_class_names();
  }
  check(samples == files.front().info().dataset.samples, folder.string(), ": expected ",
        files.front().info().dataset.samples, " samples in all shards, found ", samples);
  return files;
}

}  // namespace d2l::data
