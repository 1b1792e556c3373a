#include <algorithm>
#include <iostream>

#include "data/packing/decoded_set.h"
#include "framework/base/error.h"
#include "framework/base/text.h"
#include "launcher/data_tool/commands.h"
#include "launcher/data_tool/facts.h"
#include "launcher/data_tool/table_text.h"

namespace d2l::data_tool {
namespace {

namespace po = boost::program_options;
using namespace d2l::data;

constexpr const char* kUsage =
    "Usage: d2l-data stats PATH [--split train|test]\n"
    "\n"
    "Prints the mean and the standard deviation of each channel as an option of d2l-train, the\n"
    "sizes of the images, and the number of samples of each class. If the shards do not contain "
    "the\n"
    "sums of their pixels, as those that older versions packed, all images are decoded.\n"
    "PATH is a shard or a folder of shards.\n"
    "\n";

PixelSums sums_of(const std::vector<ShardFile>& set, const ShardFacts& facts, int threads) {
  if (facts.sums) return *facts.sums;
  PixelSums sums;
  for (const ShardFile& shard : set) {
    const DecodedShard found = decode_shard(shard, threads, [] {});
    check(found.broken.empty(), found.broken.empty() ? "" : found.broken[0]);
    sums.add(found.sums);
  }
  return sums;
}

void print(const std::vector<ShardFile>& set, int threads) {
  const ShardFacts facts(set);
  const DatasetInfo& info = set[0].info().dataset;
  std::cout << visible(info.name) << ", " << to_string(set[0].info().split) << ": "
            << with_thousands(facts.samples) << " images\n"
            << "--normalize " << normalize_text(sums_of(set, facts, threads)) << "\n"
            << "sizes: smallest " << size_text(facts.smallest) << ", median "
            << size_text(facts.median) << ", largest " << size_text(facts.largest) << "\n"
            << "samples per class:\n";
  for (size_t label = 0; label < facts.class_counts.size(); ++label) {
    const std::string number = with_thousands(facts.class_counts[label]);
    std::cout << "  " << std::string(9 - std::min<size_t>(number.size(), 9), ' ') << number << "  "
              << (info.class_names.empty() ? std::to_string(label)
                                           : visible(info.class_names[label]))
              << "\n";
  }
}

}  // namespace

void stats(const Words& words) {
  OptionList options = option_list();
  auto add = options.add_options();
  add("split", po::value<std::string>()->value_name("train|test"),
      "the split of a folder (default: train if it exists)");
  add("threads", po::value<int>()->value_name("N"),
      "threads for decoding (default: the cores that this process may use)");
  add("help,h", "show this help and exit");
  const OptionValues values = parse(options, words, "path");
  if (values.count("help") != 0) {
    print_help(kUsage, options);
    return;
  }
  const std::optional<Split> split = split_option(values);
  const int threads = threads_option(values);
  for (const std::string& path : required_paths(values, "stats")) {
    refuse_table("stats", path);
    const std::vector<std::vector<ShardFile>> sets = open_sets(path);
    const auto found = std::find_if(sets.begin(), sets.end(), [&](const auto& set) {
      return !split || set[0].info().split == *split;
    });
    check(found != sets.end(), path, ": expected the split ", split ? to_string(*split) : "",
          ", found only the other one");
    print(*found, threads);
  }
}

}  // namespace d2l::data_tool
