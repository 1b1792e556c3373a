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

constexpr int kClasses = 10;
constexpr int kTrainBatches = 5;
constexpr int64_t kBatchSamples = 10'000;  // in each training batch and in the test batch
constexpr size_t kChannels = 3, kPlane = 32 * 32, kImage = kChannels * kPlane, kRecord = 1 + kImage;

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
std::string missing_batches(size_t found, Split split) {
  const int first = static_cast<int>(found) + 1;
  if (split == Split::test || first > kTrainBatches) return "";
  const auto name = [](int number) { return concat("data_batch_", number, ".bin"); };
  if (first == kTrainBatches) return name(first) + " is missing";
  return concat(name(first), first + 1 == kTrainBatches ? " and " : " to ", name(kTrainBatches),
                " are missing");
}

}  // namespace

CifarRecords parse_cifar10(const std::vector<uint8_t>& bytes, const std::string& name) {
  check(!bytes.empty() && bytes.size() % kRecord == 0, name, ": expected CIFAR-10 records of ",
        kRecord, " bytes each, found ", bytes.size(), " bytes");
  CifarRecords records;
  const size_t count = bytes.size() / kRecord;
  records.labels.resize(count);
  records.images.resize(count * kImage);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* record = bytes.data() + i * kRecord;
    check(record[0] < kClasses, name, ": expected labels in [0, ", kClasses, "), sample ", i,
          " has ", static_cast<int>(record[0]));
    records.labels[i] = record[0];
    uint8_t* image = records.images.data() + i * kImage;
    for (size_t channel = 0; channel < kChannels; ++channel)
      for (size_t pixel = 0; pixel < kPlane; ++pixel)
        image[pixel * kChannels + channel] = record[1 + channel * kPlane + pixel];
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

std::unique_ptr<Dataset> open_cifar10(const std::vector<fs::path>& files, Split split,
                                      DatasetInfo info) {
  CifarRecords all;
  for (const fs::path& file : files) {
    CifarRecords records = parse_cifar10(read_bytes(file), file.string());
    const int64_t count = static_cast<int64_t>(records.labels.size());
    if (count < kBatchSamples)
      info.remarks.push_back(concat(file.filename().string(), " contains ", with_thousands(count),
                                    " samples of ", with_thousands(kBatchSamples)));
    all.images.insert(all.images.end(), records.images.begin(), records.images.end());
    all.labels.insert(all.labels.end(), records.labels.begin(), records.labels.end());
  }
  const std::string missing = missing_batches(files.size(), split);
  if (!missing.empty()) info.remarks.push_back(missing);
  info.shape = {32, 32, kChannels};
  info.classes = kClasses;
  return std::make_unique<MemoryDataset>(std::move(info), std::move(all.images),
                                         std::move(all.labels));
}

}  // namespace d2l::data
