#include "launcher/predict/sample_set.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "data/catalog.h"
#include "data/packing/file_items.h"
#include "data/shards/shard_set.h"
#include "framework/base/text.h"
#include "launcher/options/usage.h"
#include "launcher/predict/image_files.h"
#include "launcher/predict/table_rows.h"

namespace d2l::predict {
namespace {

namespace fs = std::filesystem;
using data::PackItem;
using data::Split;
using Labels = std::map<std::string, int64_t, std::less<>>;

// The labels of the network's classes; empty if names are missing or occur twice.
Labels labels_of(const data::DatasetInfo& info) {
  Labels labels;
  for (const std::string& name : info.class_names)
    labels.emplace(name, static_cast<int64_t>(labels.size()));
  return labels.size() == info.class_names.size() ? labels : Labels();
}

// The path of a folder as data::open_dataset() understands it, or the name of a dataset.
std::string as_dataset(const std::string& word) {
  return data::is_dataset_name(word) || data::names_a_folder(word) ? word : "./" + word;
}

// Whether it is the name of a dataset, or a folder with shards or a dataset's original files.
bool is_dataset(const std::string& word) {
  if (data::is_dataset_name(word)) return true;
  const std::string folder = fs::path(as_dataset(word)).lexically_normal().string();
  for (const Split split : {Split::train, Split::test})
    if (!data::find_shards(folder, split).empty()) return true;
  const fs::path path = folder.ends_with('/') ? fs::path(folder).parent_path() : fs::path(folder);
  if (!data::is_dataset_name(path.filename().string())) return false;
  return data::find_dataset(as_dataset(word), ".", Split::test) != nullptr ||
         data::find_dataset(as_dataset(word), ".", Split::train) != nullptr;
}

// For each label of a dataset the network's label; empty, with a note, if its classes are others.
std::vector<int64_t> label_map(const data::DatasetInfo& of, const data::DatasetInfo& network,
                               std::vector<std::string>& notes) {
  std::vector<int64_t> map(static_cast<size_t>(of.classes));
  std::iota(map.begin(), map.end(), 0);
  const bool named = !of.class_names.empty() && !network.class_names.empty();
  const auto common = static_cast<ptrdiff_t>(std::min(of.classes, network.classes));
  const bool same = of.classes <= network.classes &&
                    (!named || std::equal(of.class_names.begin(), of.class_names.begin() + common,
                                          network.class_names.begin()));
  if (same) return map;
  const Labels labels = labels_of(network);
  for (size_t i = 0; i < map.size(); ++i) {
    const auto found = named ? labels.find(of.class_names[i]) : labels.end();
    if (found != labels.end()) {
      map[i] = found->second;
      continue;
    }
    notes.push_back(concat("the labels of ", of.name, " are not used: the network has no class ",
                           named ? of.class_names[i] : std::to_string(network.classes)));
    return {};
  }
  return map;
}

SampleSet open_dataset(const PredictOptions& options, const StoredNetwork& network) {
  const Split split = options.split.value_or(Split::test);
  constexpr uint64_t kCacheBytes = uint64_t{64} << 20;
  SampleSet set;
  set.dataset = data::open_dataset(as_dataset(options.images[0]), options.data_dir, split,
                                   {.cache_bytes = kCacheBytes, .by_blocks = true});
  const data::DatasetInfo& info = set.dataset->info();
  const int64_t channels = network.input[2];
  const auto is_usual = [](int64_t count) { return count == 1 || count == 3; };
  check(info.shape[2] == channels || (is_usual(info.shape[2]) && is_usual(channels)), info.name,
        ": expected images of ", channels, " channels, found ", info.shape[2]);
  set.what =
      concat(with_thousands(info.samples), " samples of ", info.name, " (", to_string(split), ")");
  if (info.shape[2] != channels)
    set.notes.push_back(concat("the images have ", info.shape[2],
                               channels == 1 ? " channels and" : " channel and",
                               " become images of ", channels));
  set.labels = label_map(info, network.data, set.notes);
  return set;
}

// Image files with what is known about them.
struct FileList {
  std::vector<PackItem> items;  // names are paths
  std::vector<int64_t> labels;
  std::vector<std::string> notes;
};

// The class in whose folder a file of a folder is.
int64_t label_of(const std::string& name, const Labels& labels) {
  const size_t slash = name.find('/');
  const auto found = slash == std::string::npos ? labels.end() : labels.find(name.substr(0, slash));
  return found == labels.end() ? kNoLabel : found->second;
}

void add_folder(const data::PackTeam& team, const fs::path& folder, const Labels& labels,
                int threads, FileList& list) {
  data::ListedImages listed = data::list_images(team, folder, threads);
  check(!listed.images.empty(), folder.string(),
        ": expected images (JPEG, PNG or WebP) or shards, found none");
  std::sort(listed.images.begin(), listed.images.end(),
            [](const PackItem& a, const PackItem& b) { return a.name < b.name; });
  for (PackItem& item : listed.images) {
    list.labels.push_back(label_of(item.name, labels));
    item.name = (folder / item.name).string();
    list.items.push_back(std::move(item));
  }
  for (const std::string& note : listed.notes)
    list.notes.push_back(concat(folder.string(), ": ", note));
}

FileList list_files(const PredictOptions& options, const StoredNetwork& network,
                    const data::PackTeam& team, int threads) {
  const Labels labels = labels_of(network.data);
  FileList list;
  for (const std::string& word : options.images) {
    const bool is_folder = data::on_first(team, [&] {
                             std::error_code ignored;
                             check(fs::exists(word, ignored), word,
                                   ": expected an image, a folder or the name of a dataset, found "
                                   "no such file");
                             return std::string(fs::is_directory(word, ignored) ? "folder" : "");
                           }) == "folder";
    if (is_folder) {
      add_folder(team, word, labels, threads, list);
      continue;
    }
    std::vector<PackItem> file(1);
    file[0].name = word;
    data::inspect_files(team, "", file, threads);
    list.items.push_back(file[0]);
    list.labels.push_back(kNoLabel);
  }
  return list;
}

// Height and width of all files; 0 if they differ.
Shape size_of(const std::vector<PackItem>& items) {
  Shape size{0, 0};
  for (const PackItem& item : items) {
    if (item.height == 0) continue;  // its header is broken
    if (size[0] == 0) size = {item.height, item.width};
    if (size != Shape{item.height, item.width}) return {0, 0};
  }
  return size;
}

SampleSet open_files(FileList list, const StoredNetwork& network) {
  SampleSet set;
  set.notes = std::move(list.notes);
  const auto count = static_cast<int64_t>(list.items.size());
  const auto labelled = count - std::count(list.labels.begin(), list.labels.end(), kNoLabel);
  set.what = concat(with_thousands(count), count == 1 ? " file" : " files");
  if (labelled == count) {
    set.labels.resize(static_cast<size_t>(network.classes()));
    std::iota(set.labels.begin(), set.labels.end(), 0);
  } else if (labelled > 0) {
    const auto other = std::find(list.labels.begin(), list.labels.end(), kNoLabel);
    set.notes.push_back(
        concat("labels are not used: only ", with_thousands(labelled), " of ",
               with_thousands(count), " images are in folders with the names of classes; ",
               list.items[static_cast<size_t>(other - list.labels.begin())].name, " is not"));
  }
  const Shape size = size_of(list.items);
  std::vector<std::string> paths;
  for (PackItem& item : list.items) paths.push_back(std::move(item.name));
  data::DatasetInfo info;
  info.name = "images";
  info.shape = {size[0], size[1], network.input[2]};
  info.classes = network.classes();
  if (labelled < count) std::fill(list.labels.begin(), list.labels.end(), 0);
  set.dataset =
      std::make_unique<ImageFiles>(std::move(info), std::move(paths), std::move(list.labels));
  return set;
}

}  // namespace

std::string SampleSet::name_of(int64_t index) const {
  std::string name = dataset->name_of(index);
  if (!name.empty()) return name;
  return std::to_string(dataset->info().is_table() ? index + 1 : index);
}

SampleSet find_samples(const PredictOptions& options, const StoredNetwork& network,
                       const data::PackTeam& team, int threads) {
  const std::vector<std::string>& words = options.images;
  if (network.data.is_table()) {
    SampleSet rows;
    data::on_all(team, [&] {
      rows = find_rows(options, network);
      return std::string();
    });
    return rows;
  }
  const std::string dataset = data::on_first(team, [&] {
    const auto found = std::find_if(words.begin(), words.end(), is_dataset);
    return found == words.end() ? "" : *found;
  });
  if (dataset.empty()) {
    if (options.split)
      launcher::usage("--split has no effect with image files, only with a dataset");
    return open_files(list_files(options, network, team, threads), network);
  }
  if (words.size() > 1)
    launcher::usage("expected one dataset, or files and folders of images, found the dataset ",
                    dataset, " and ", words.size() - 1, " more");
  SampleSet set;
  data::on_all(team, [&] {
    set = open_dataset(options, network);
    return std::string();
  });
  return set;
}

}  // namespace d2l::predict
