#include "data/formats/cifar.h"

#include <charconv>
#include <map>
#include <utility>

#include "data/folder_content.h"
#include "data/memory_dataset.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::data {
namespace {

namespace fs = std::filesystem;

constexpr int kTrainBatches = 5;  // of CIFAR-10
constexpr size_t kChannels = 3, kPlane = 32 * 32, kImage = kChannels * kPlane;

struct Layout {
  const char* name;
  size_t label_bytes;  // at the beginning of a record
  size_t label_at;     // of the label that is used
  int classes;
  size_t record() const { return label_bytes + kImage; }
};

Layout layout_of(CifarLabels labels) {
  if (labels == CifarLabels::ten) return {"CIFAR-10", 1, 0, 10};
  return labels == CifarLabels::fine ? Layout{"CIFAR-100", 2, 1, 100}
                                     : Layout{"CIFAR-100", 2, 0, 20};
}

// The samples of one original file.
int64_t samples_of(CifarLabels labels, Split split) {
  return labels != CifarLabels::ten && split == Split::train ? 50'000 : 10'000;
}

// 3 for "data_batch_3.bin" and "data_batch_3_first4000.bin" if `begin` is "data_batch_"; 1 if files
// are not `numbered`; 0 for other names.
int number_in(const std::string& name, const std::string& begin, bool numbered) {
  if (!name.starts_with(begin) || !name.ends_with(".bin")) return 0;
  if (!numbered) return 1;
  int number = 0;
  std::from_chars(name.data() + begin.size(), name.data() + name.size(), number);
  return number;
}

// "data_batch_4.bin and data_batch_5.bin are missing"; "" if none is.
std::string missing_batches(size_t found) {
  const int first = static_cast<int>(found) + 1;
  if (first > kTrainBatches) return "";
  const auto name = [](int number) { return concat("data_batch_", number, ".bin"); };
  if (first == kTrainBatches) return name(first) + " is missing";
  return concat(name(first), first + 1 == kTrainBatches ? " and " : " to ", name(kTrainBatches),
                " are missing");
}

}  // namespace

CifarRecords parse_cifar(const std::vector<uint8_t>& bytes, const std::string& name,
                         CifarLabels labels) {
  const Layout layout = layout_of(labels);
  check(!bytes.empty() && bytes.size() % layout.record() == 0, name, ": expected ", layout.name,
        " records of ", layout.record(), " bytes each, found ", bytes.size(), " bytes");
  CifarRecords records;
  const size_t count = bytes.size() / layout.record();
  records.labels.resize(count);
  records.images.resize(count * kImage);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* record = bytes.data() + i * layout.record();
    const uint8_t label = record[layout.label_at];
    check(label < layout.classes, name, ": expected labels in [0, ", layout.classes, "), sample ",
          i, " has ", static_cast<int>(label));
    records.labels[i] = label;
    uint8_t* image = records.images.data() + i * kImage;
    for (size_t channel = 0; channel < kChannels; ++channel)
      for (size_t pixel = 0; pixel < kPlane; ++pixel)
        image[pixel * kChannels + channel] = record[layout.label_bytes + channel * kPlane + pixel];
  }
  return records;
}

std::vector<fs::path> find_cifar10(const fs::path& folder, Split split) {
  const bool train = split == Split::train;
  const std::string begin = train ? "data_batch_" : "test_batch";
  std::map<int, fs::path> files;
  if (!fs::is_directory(folder)) return {};
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const int number = number_in(entry.path().filename().string(), begin, train);
    if (number <= 0 || !holds_file(entry.path())) continue;
    auto [found, is_new] = files.emplace(number, entry.path());
    check(is_new, folder.string(), ": expected one file ", begin, train ? concat(number) : "",
          "*.bin, found ", std::min(found->second, entry.path()).filename().string(), " and ",
          std::max(found->second, entry.path()).filename().string());
  }
  std::vector<fs::path> ordered;
  for (const auto& [number, path] : files) {
    const size_t expected = ordered.size() + 1;
    check(number == static_cast<int>(expected), folder.string(), ": ", begin, expected,
          "*.bin is missing beside ", path.filename().string());
    ordered.push_back(path);
  }
  return ordered;
}

std::string cifar10_names(Split split) {
  return concat(split == Split::train ? "data_batch_1.bin to data_batch_5.bin" : "test_batch.bin",
                " of the binary version");
}

std::vector<fs::path> find_cifar100(const fs::path& folder, Split split) {
  const fs::path path = folder / (split == Split::train ? "train.bin" : "test.bin");
  if (!holds_file(path)) return {};
  const uint64_t size = fs::file_size(path);
  if (size == 0 || size % layout_of(CifarLabels::fine).record() != 0) return {};
  return {path};
}

std::string cifar100_names(Split split) {
  return concat(split == Split::train ? "train.bin" : "test.bin", " of the binary version");
}

const std::vector<std::string>& cifar100_classes(CifarLabels labels) {
  static const std::vector<std::string> kFine = {
      "apple",       "aquarium_fish", "baby",      "bear",       "beaver",       "bed",
      "bee",         "beetle",        "bicycle",   "bottle",     "bowl",         "boy",
      "bridge",      "bus",           "butterfly", "camel",      "can",          "castle",
      "caterpillar", "cattle",        "chair",     "chimpanzee", "clock",        "cloud",
      "cockroach",   "couch",         "crab",      "crocodile",  "cup",          "dinosaur",
      "dolphin",     "elephant",      "flatfish",  "forest",     "fox",          "girl",
      "hamster",     "house",         "kangaroo",  "keyboard",   "lamp",         "lawn_mower",
      "leopard",     "lion",          "lizard",    "lobster",    "man",          "maple_tree",
      "motorcycle",  "mountain",      "mouse",     "mushroom",   "oak_tree",     "orange",
      "orchid",      "otter",         "palm_tree", "pear",       "pickup_truck", "pine_tree",
      "plain",       "plate",         "poppy",     "porcupine",  "possum",       "rabbit",
      "raccoon",     "ray",           "road",      "rocket",     "rose",         "sea",
      "seal",        "shark",         "shrew",     "skunk",      "skyscraper",   "snail",
      "snake",       "spider",        "squirrel",  "streetcar",  "sunflower",    "sweet_pepper",
      "table",       "tank",          "telephone", "television", "tiger",        "tractor",
      "train",       "trout",         "tulip",     "turtle",     "wardrobe",     "whale",
      "willow_tree", "wolf",          "woman",     "worm"};
  static const std::vector<std::string> kCoarse = {"aquatic_mammals",
                                                   "fish",
                                                   "flowers",
                                                   "food_containers",
                                                   "fruit_and_vegetables",
                                                   "household_electrical_devices",
                                                   "household_furniture",
                                                   "insects",
                                                   "large_carnivores",
                                                   "large_man-made_outdoor_things",
                                                   "large_natural_outdoor_scenes",
                                                   "large_omnivores_and_herbivores",
                                                   "medium_mammals",
                                                   "non-insect_invertebrates",
                                                   "people",
                                                   "reptiles",
                                                   "small_mammals",
                                                   "trees",
                                                   "vehicles_1",
                                                   "vehicles_2"};
  return labels == CifarLabels::coarse ? kCoarse : kFine;
}

std::unique_ptr<Dataset> open_cifar(const std::vector<fs::path>& files, Split split,
                                    CifarLabels labels, DatasetInfo info) {
  CifarRecords all;
  const int64_t original = samples_of(labels, split);
  for (const fs::path& file : files) {
    CifarRecords records = parse_cifar(read_bytes(file), file.string(), labels);
    const int64_t count = static_cast<int64_t>(records.labels.size());
    if (count < original)
      info.remarks.push_back(concat(file.filename().string(), " contains ", with_thousands(count),
                                    " samples of ", with_thousands(original)));
    all.images.insert(all.images.end(), records.images.begin(), records.images.end());
    all.labels.insert(all.labels.end(), records.labels.begin(), records.labels.end());
  }
  if (labels == CifarLabels::ten && split == Split::train) {
    const std::string missing = missing_batches(files.size());
    if (!missing.empty()) info.remarks.push_back(missing);
  }
  info.shape = {32, 32, kChannels};
  info.classes = layout_of(labels).classes;
  return std::make_unique<MemoryDataset>(std::move(info), std::move(all.images),
                                         std::move(all.labels));
}

}  // namespace d2l::data
