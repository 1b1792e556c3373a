#include "data/catalog.h"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "data/folder_content.h"
#include "data/formats/cifar.h"
#include "data/formats/idx.h"
#include "data/synthetic.h"
#include "data/table/table_dataset.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;

struct Entry {
  DatasetInfo info;
  // Subfolders of --data-dir that may contain its files, besides --data-dir itself.
  std::vector<std::string> folders{};
  // Opens its original files in a folder; nullptr if there are none. Empty for generated data.
  std::function<std::unique_ptr<Dataset>(const DatasetInfo&, const fs::path&, Split)> open{};
  std::function<std::string(Split)> files{};  // what open() looks for
  std::string part{};                         // part of such files' names
};

std::unique_ptr<Dataset> open_mnist_files(const DatasetInfo& info, const fs::path& folder,
                                          Split split) {
  const auto files = find_idx(folder, split);
  return files ? open_idx(files->images, files->labels, info) : nullptr;
}

std::unique_ptr<Dataset> open_cifar_files(const DatasetInfo& info, const fs::path& folder,
                                          Split split) {
  const std::vector<fs::path> files = find_cifar10(folder, split);
  return files.empty() ? nullptr : open_cifar(files, split, CifarLabels::ten, info);
}

std::unique_ptr<Dataset> open_cifar100_files(const DatasetInfo& info, const fs::path& folder,
                                             Split split) {
  const std::vector<fs::path> files = find_cifar100(folder, split);
  const CifarLabels labels = info.classes == 20 ? CifarLabels::coarse : CifarLabels::fine;
  return files.empty() ? nullptr : open_cifar(files, split, labels, info);
}

Entry cifar100_entry(const std::string& name, CifarLabels labels) {
  const std::vector<std::string>& classes = cifar100_classes(labels);
  return {{.name = name,
           .classes = static_cast<int64_t>(classes.size()),
           .class_names = classes,
           .source = "A. Krizhevsky: learning multiple layers of features from tiny images",
           .licence = "research use"},
          {"cifar100", "cifar-100-binary"},
          open_cifar100_files,
          cifar100_names,
          ".bin"};
}

// Options of "synthetic-224x224x3": images of that size, as many as fit into 160 MB. Their number
// is a power of two, so that all batches of a power-of-two size are complete.
std::optional<SyntheticOptions> sized_synthetic(const std::string& name) {
  SyntheticOptions options;
  int64_t width = 0;
  int end = 0;
  if (std::sscanf(name.c_str(), "synthetic-%4" SCNd64 "x%4" SCNd64 "x%3" SCNd64 "%n", &options.size,
                  &width, &options.channels, &end) != 3 ||
      static_cast<size_t>(end) != name.size())
    return std::nullopt;
  check(width == options.size, name, ": expected square images, found ", options.size, " x ",
        width);
  const int64_t bytes = std::max<int64_t>(options.size * options.size * options.channels, 1);
  const uint64_t fit = std::bit_floor((uint64_t{160} << 20) / static_cast<uint64_t>(bytes));
  options.train_samples = std::min(options.train_samples, static_cast<int64_t>(fit));
  options.test_samples = std::max<int64_t>(options.train_samples / 4, 1);
  return options;
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> kTable{
      {{.name = "fashion-mnist",
        .classes = 10,
        .class_names = {"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt",
                        "sneaker", "bag", "ankle boot"},
        .source = "https://github.com/zalandoresearch/fashion-mnist",
        .licence = "MIT, Copyright 2017 Zalando SE"},
       {"fashion-mnist"},
       open_mnist_files,
       idx_names,
       "ubyte"},
      {{.name = "mnist",
        .classes = 10,
        .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
        .source = "Y. LeCun, C. Cortes, C. Burges: the MNIST database of handwritten digits",
        .licence = "CC BY-SA 3.0"},
       {"mnist"},
       open_mnist_files,
       idx_names,
       "ubyte"},
      {{.name = "cifar10",
        .classes = 10,
        .class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
                        "ship", "truck"},
        .source = "A. Krizhevsky: learning multiple layers of features from tiny images",
        .licence = "research use"},
       {"cifar10", "cifar-10-batches-bin"},
       open_cifar_files,
       cifar10_names,
       "batch"},
      cifar100_entry("cifar100", CifarLabels::fine),
      cifar100_entry("cifar100-coarse", CifarLabels::coarse),
      {{.name = "synthetic"}},
  };
  return kTable;
}

const Entry* find_entry(const std::string& name) {
  for (const Entry& entry : entries())
    if (entry.info.name == name) return &entry;
  return nullptr;
}

// The folder's own name for any form of its path: "mnist" for ".", "mnist/" and "/data/mnist".
std::string name_of(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

// A folder named after another dataset contains that one, although its files may have the same
// names.
bool is_of_another(const Entry& entry, const fs::path& folder) {
  const Entry* other = find_entry(name_of(folder));
  return other != nullptr && other != &entry && other->part == entry.part;
}

// The shards of the entry in `folder`; nullptr if there are none.
std::unique_ptr<Dataset> open_shards(const Entry& entry, const fs::path& folder, Split split,
                                     const ShardDatasetOptions& options) {
  if (find_shards(folder, split).empty()) return nullptr;
  auto shards = std::make_unique<ShardDataset>(folder, split, options);
  check(shards->name() == entry.info.name, folder.string(), ": expected shards of '",
        entry.info.name, "', found shards of '", shards->name(), "'");
  return shards;
}

std::vector<fs::path> places_of(const Entry& entry, const fs::path& data_dir) {
  std::vector<fs::path> places;
  for (const std::string& folder : entry.folders) places.push_back(data_dir / folder);
  if (!is_of_another(entry, data_dir)) places.push_back(data_dir);
  return places;
}

// Opens the entry from the first folder that contains shards or, failing that, original files.
// Returns nullptr if there are none.
std::unique_ptr<Dataset> find_files(const Entry& entry, const fs::path& data_dir, Split split,
                                    const ShardDatasetOptions& options) {
  if (!entry.open) return make_synthetic(split);
  for (const fs::path& place : places_of(entry, data_dir)) {
    if (auto dataset = open_shards(entry, place, split, options)) return dataset;
    if (auto dataset = entry.open(entry.info, place, split)) return dataset;
  }
  return nullptr;
}

std::unique_ptr<Dataset> open_entry(const Entry& entry, const fs::path& data_dir, Split split,
                                    const ShardDatasetOptions& options) {
  if (auto dataset = find_files(entry, data_dir, split, options)) return dataset;
  std::vector<std::string> searched;
  for (const fs::path& place : places_of(entry, data_dir))
    searched.push_back(concat(place.string(), ", which ", content_text(place, entry.part)));
  fail(entry.info.name, ": no ", to_string(split), " files: expected ", entry.files(split), ", or ",
       to_string(split), "-00000-of-NNNNN.h5, in ", join(searched, "; or in "),
       is_of_another(entry, data_dir)
           ? concat("; ", data_dir.string(),
                    " itself is not searched: it has the name of another dataset")
           : "");
}

// Opens a folder of shards, or a folder of original files that is named after their dataset.
std::unique_ptr<Dataset> open_folder(const fs::path& folder, Split split,
                                     const ShardDatasetOptions& options) {
  if (auto table = find_table(folder, split)) return table;
  const Split other = split == Split::train ? Split::test : Split::train;
  check(!fs::exists(folder / packed_table_name(other)), folder.string(), ": expected ",
        packed_table_name(split), ", found only ", packed_table_name(other));
  const Entry* entry = find_entry(name_of(folder));
  const bool has_shards =
      !find_shards(folder, Split::train).empty() || !find_shards(folder, Split::test).empty();
  if (entry != nullptr && entry->open && !has_shards)
    return open_entry(*entry, folder, split, options);
  return std::make_unique<ShardDataset>(folder, split, options);
}

}  // namespace

std::vector<std::string> dataset_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.push_back(entry.info.name);
  return names;
}

bool is_dataset_name(const std::string& name) {
  return find_entry(name) != nullptr || sized_synthetic(name).has_value();
}

bool names_a_folder(const std::string& data) {
  if (data.find('/') != std::string::npos) return true;
  std::error_code ignored;
  return !is_dataset_name(data) && fs::is_directory(data, ignored);
}

std::unique_ptr<Dataset> open_dataset(const std::string& name_or_folder, const fs::path& data_dir,
                                      Split split, const ShardDatasetOptions& shards) {
  if (const Entry* entry = find_entry(name_or_folder))
    return open_entry(*entry, data_dir, split, shards);
  if (const auto options = sized_synthetic(name_or_folder)) return make_synthetic(split, *options);
  if (fs::is_directory(name_or_folder)) return open_folder(name_or_folder, split, shards);
  check(name_or_folder.find('/') == std::string::npos, name_or_folder,
        ": expected a folder of shards, found ", fs::exists(name_or_folder) ? "a file" : "nothing");
  fail("found no folder '", name_or_folder, "'; ",
       unknown_name("dataset", name_or_folder, dataset_names()));
}

std::unique_ptr<Dataset> find_dataset(const std::string& name_or_folder, const fs::path& data_dir,
                                      Split split, const ShardDatasetOptions& options) {
  if (const Entry* entry = find_entry(name_or_folder))
    return find_files(*entry, data_dir, split, options);
  if (const auto sized = sized_synthetic(name_or_folder)) return make_synthetic(split, *sized);
  if (!fs::is_directory(name_or_folder)) return nullptr;
  if (auto table = find_table(name_or_folder, split)) return table;
  if (!find_shards(name_or_folder, split).empty())
    return open_folder(name_or_folder, split, options);
  const Entry* entry = find_entry(name_of(name_or_folder));
  return entry != nullptr ? find_files(*entry, name_or_folder, split, options) : nullptr;
}

std::unique_ptr<Dataset> open_idx_folder(const fs::path& folder, Split split,
                                         const std::string& name) {
  const auto files = find_idx(folder, split);
  check(files.has_value(), "no ", to_string(split), " files: expected ", idx_names(split), " in ",
        folder.string(), ", which ", content_text(folder, "ubyte"));
  DatasetInfo info;
  info.name = name;
  // Both splits must have the same classes, although the test split may lack some.
  auto train = find_idx(folder, Split::train);
  if (split == Split::test && train)
    info.classes = open_idx(train->images, train->labels, info)->classes();
  return open_idx(files->images, files->labels, std::move(info));
}

}  // namespace d2l::data
