#include <algorithm>
#include <fstream>
#include <iostream>

#include "data/catalog.h"
#include "data/formats/write_image.h"
#include "data/packing/contact_sheet.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/rng.h"
#include "framework/base/text.h"
#include "launcher/data_tool/augmented.h"
#include "launcher/data_tool/commands.h"
#include "launcher/data_tool/table_text.h"

namespace d2l::data_tool {
namespace {

namespace po = boost::program_options;
using namespace d2l::data;

constexpr const char* kUsage =
    "Usage: d2l-data show PATH --out FILE.png [--OPTION VALUE]...\n"
    "\n"
    "Writes a picture with random samples of a split, and the names of their classes below them.\n"
    "With --augment, it shows what a network gets of them in the first epoch. mixup and cutmix\n"
    "mix neighbours in the picture.\n"
    "PATH is a folder of shards, or the name of a dataset.\n"
    "\n";
constexpr int kMostSamples = 10'000;
constexpr int kLeastSide = 16, kMostSide = 1024;

// `count` different samples, in random order.
std::vector<int64_t> random_samples(int64_t samples, int64_t count, uint64_t seed) {
  const RngKey key{seed, stream_of("show")};
  std::vector<int64_t> chosen;
  // Floyd's method: each set of samples is equally likely, and no list of all is needed.
  for (int64_t last = samples - count; last < samples; ++last) {
    const auto draw = static_cast<int64_t>(
        random_below(key, static_cast<uint64_t>(last), static_cast<uint64_t>(last) + 1));
    const bool is_new = std::find(chosen.begin(), chosen.end(), draw) == chosen.end();
    chosen.push_back(is_new ? draw : last);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::string caption_of(const Dataset& dataset, int64_t label) {
  return dataset.class_names().empty() ? std::to_string(label)
                                       : dataset.class_names()[static_cast<size_t>(label)];
}

std::vector<SheetPicture> augmented_pictures(const Dataset& dataset, const std::string& steps,
                                             const std::vector<int64_t>& samples, uint64_t seed) {
  AugmentedImages augmented = augment(dataset, parse_augment(steps), samples, seed);
  std::vector<SheetPicture> pictures(samples.size());
  for (size_t i = 0; i < samples.size(); ++i)
    pictures[i] = {std::move(augmented.images[i]), caption_of(dataset, augmented.labels[i])};
  return pictures;
}

std::vector<SheetPicture> stored_pictures(const Dataset& dataset,
                                          const std::vector<int64_t>& samples) {
  std::vector<SheetPicture> pictures(samples.size());
  dataset.visit(samples, [&](size_t position, const Sample& sample) {
    pictures[position] = {image_of(sample, dataset.shape()[2] == 1 ? 1 : 3),
                          caption_of(dataset, sample.label)};
  });
  return pictures;
}

void write(const std::string& path, const std::vector<uint8_t>& bytes) {
  replace_file(path, [&](const std::filesystem::path& temporary) {
    std::ofstream stream(temporary, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    stream.close();
    check(stream.good(), "cannot write ", path);
  });
}

}  // namespace

void show(const Words& words) {
  OptionList options = option_list();
  auto add = options.add_options();
  add("out", po::value<std::string>()->value_name("FILE.png"), "the picture to write");
  add("split", po::value<std::string>()->value_name("train|test"), "the split (default train)");
  add("data-dir", po::value<std::string>()->value_name("DIR")->default_value(".", ""),
      "folder with the files of a dataset with a name (default .)");
  add("samples", po::value<int>()->value_name("N")->default_value(25, ""),
      "number of samples (default 25)");
  add("augment", po::value<std::string>()->value_name("STEPS"),
      "show the samples after these steps, which are written as for d2l-train");
  add("side", po::value<int>()->value_name("N")->default_value(128, ""),
      "pixels of the longer side of each sample (default 128)");
  add("seed", po::value<int64_t>()->value_name("N")->default_value(0, ""),
      "for the choice of samples and for --augment (default 0)");
  add("help,h", "show this help and exit");
  const OptionValues values = parse(options, words, "path");
  if (values.count("help") != 0) {
    print_help(kUsage, options);
    return;
  }
  const Words paths = required_paths(values, "show");
  if (paths.size() > 1) throw UsageError("show: expected one path, found " + join(paths, ", "));
  refuse_table("show", paths[0]);
  const std::string out = required_path(values, "out");
  if (!out.ends_with(".png"))
    throw UsageError("--out: expected the name of a PNG file, such as sheet.png, found " + out);
  const int wanted = values["samples"].as<int>(), side = values["side"].as<int>();
  check_range("samples", wanted, 1, kMostSamples);
  check_range("side", side, kLeastSide, kMostSide);
  const std::unique_ptr<Dataset> dataset = open_dataset(
      paths[0], required_path(values, "data-dir"), split_option(values).value_or(Split::train));
  const int64_t count = std::min<int64_t>(wanted, dataset->samples());
  const uint64_t seed = seed_option(values);
  const std::vector<int64_t> samples = random_samples(dataset->samples(), count, seed);
  const std::vector<SheetPicture> pictures =
      values.count("augment") == 0
          ? stored_pictures(*dataset, samples)
          : augmented_pictures(*dataset, values["augment"].as<std::string>(), samples, seed);
  write(out, encode_png(contact_sheet(pictures, side)));
  std::cout << with_thousands(count) << " of " << with_thousands(dataset->samples())
            << " samples of " << visible(dataset->name()) << " in " << out << "\n";
}

}  // namespace d2l::data_tool
