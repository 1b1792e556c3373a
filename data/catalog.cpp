#include "data/catalog.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>

#include "data/cifar_file.h"
#include "data/idx_file.h"
#include "data/shard_dataset.h"
#include "data/synthetic.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;

struct Entry {
  DatasetInfo info;
  std::function<std::unique_ptr<Dataset>(const Entry&, const fs::path& data_dir, Split)> open;
};

// The original files under the names that they are distributed with.
struct IdxFiles {
  fs::path images, labels;
};

std::optional<IdxFiles> find_idx(const fs::path& folder, Split split) {
  const std::string begin = split == Split::train ? "train" : "t10k";
  for (const char* dot : {"-", "."})
    for (const char* end : {"", ".gz"}) {
      IdxFiles files{folder / (begin + "-images" + dot + "idx3-ubyte" + end),
                     folder / (begin + "-labels" + dot + "idx1-ubyte" + end)};
      if (!fs::exists(files.images) && !fs::exists(files.labels)) continue;
      check(fs::exists(files.images), files.images.string(), " is missing beside ",
            files.labels.filename().string());
      check(fs::exists(files.labels), files.labels.string(), " is missing beside ",
            files.images.filename().string());
      return files;
    }
  return {};
}

// The shards of the entry in `folder`; nothing when there are none.
std::unique_ptr<Dataset> open_shards(const Entry& entry, const fs::path& folder, Split split) {
  if (find_shards(folder, split).empty()) return nullptr;
  auto shards = std::make_unique<ShardDataset>(folder, split);
  check(shards->name() == entry.info.name, folder.string(), ": expected shards of '",
        entry.info.name, "', found shards of '", shards->name(), "'");
  return shards;
}

// In the first of `places` that has any: shards, or else the original files.
std::unique_ptr<Dataset> open_first(
    const Entry& entry, const std::vector<fs::path>& places, Split split,
    const std::function<std::unique_ptr<Dataset>(const fs::path& folder)>& open_original,
    const std::string& original) {
  std::vector<std::string> searched;
  for (const fs::path& place : places) {
    if (auto dataset = open_shards(entry, place, split)) return dataset;
    if (auto dataset = open_original(place)) return dataset;
    searched.push_back(place.string());
  }
  fail(entry.info.name, ": no ", to_string(split), " files in ", join(searched, " or "),
       " (expected ", original, ", or ", to_string(split), "-00000-of-NNNNN.h5)");
}

std::unique_ptr<Dataset> open_mnist_like(const Entry& entry, const fs::path& data_dir,
                                         Split split) {
  // A folder named after another data set holds that one, though its files have the same names.
  const bool of_another =
      data_dir.filename() != entry.info.name &&
      (data_dir.filename() == "mnist" || data_dir.filename() == "fashion-mnist");
  std::vector<fs::path> places{data_dir / entry.info.name};
  if (!of_another) places.push_back(data_dir);
  auto open = [&](const fs::path& folder) -> std::unique_ptr<Dataset> {
    auto files = find_idx(folder, split);
    return files ? open_idx(files->images, files->labels, entry.info) : nullptr;
  };
  const std::string stem = split == Split::train ? "train" : "t10k";
  return open_first(
      entry, places, split, open,
      stem + "-images-idx3-ubyte and " + stem + "-labels-idx1-ubyte, with or without .gz");
}

std::unique_ptr<Dataset> open_cifar(const Entry& entry, const fs::path& data_dir, Split split) {
  const std::vector<fs::path> places{data_dir / entry.info.name, data_dir / "cifar-10-batches-bin",
                                     data_dir};
  auto open = [&](const fs::path& folder) -> std::unique_ptr<Dataset> {
    const std::vector<fs::path> files = find_cifar10(folder, split);
    return files.empty() ? nullptr : open_cifar10(files, entry.info);
  };
  return open_first(entry, places, split, open,
                    split == Split::train
                        ? "data_batch_1.bin to data_batch_5.bin of the binary version"
                        : "test_batch.bin of the binary version");
}

std::unique_ptr<Dataset> open_synthetic(const Entry&, const fs::path&, Split split) {
  return make_synthetic(split);
}

// "synthetic-224x224x3": images of that size, as many as fit into 256 MB.
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
  options.train_samples = std::min(options.train_samples, (int64_t{256} << 20) / bytes);
  options.test_samples = std::min(options.test_samples, options.train_samples / 4);
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
       open_mnist_like},
      {{.name = "mnist",
        .classes = 10,
        .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
        .source = "Y. LeCun, C. Cortes, C. Burges: the MNIST database of handwritten digits",
        .licence = "CC BY-SA 3.0"},
       open_mnist_like},
      {{.name = "cifar10",
        .classes = 10,
        .class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
                        "ship", "truck"},
        .source = "A. Krizhevsky: learning multiple layers of features from tiny images",
        .licence = "research use"},
       open_cifar},
      {{.name = "synthetic"}, open_synthetic},
  };
  return kTable;
}

}  // namespace

std::vector<std::string> dataset_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.push_back(entry.info.name);
  return names;
}

std::unique_ptr<Dataset> open_dataset(const std::string& name_or_folder, const fs::path& data_dir,
                                      Split split) {
  for (const Entry& entry : entries())
    if (entry.info.name == name_or_folder) return entry.open(entry, data_dir, split);
  if (const auto options = sized_synthetic(name_or_folder)) return make_synthetic(split, *options);
  if (fs::is_directory(name_or_folder))
    return std::make_unique<ShardDataset>(name_or_folder, split);
  check(name_or_folder.find('/') == std::string::npos, name_or_folder,
        ": expected a folder of shards, found ", fs::exists(name_or_folder) ? "a file" : "nothing");
  fail(unknown_name("data set", name_or_folder, dataset_names()));
}

std::unique_ptr<Dataset> open_idx_folder(const fs::path& folder, Split split,
                                         const std::string& name) {
  auto files = find_idx(folder, split);
  const std::string stem = split == Split::train ? "train" : "t10k";
  check(files.has_value(), folder.string(), ": no ", to_string(split), " files (expected ", stem,
        "-images-idx3-ubyte and ", stem, "-labels-idx1-ubyte, with or without .gz)");
  DatasetInfo info;
  info.name = name;
  // Both splits must agree about the classes, of which the smaller one may lack some.
  auto train = find_idx(folder, Split::train);
  if (split == Split::test && train)
    info.classes = open_idx(train->images, train->labels, info)->classes();
  return open_idx(files->images, files->labels, std::move(info));
}

}  // namespace d2l::data
