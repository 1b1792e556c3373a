#include "launcher/predict/predict_options.h"

#include <filesystem>
#include <sstream>

#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "launcher/data_tool/arguments.h"
#include "launcher/options/options.h"
#include "launcher/options/usage.h"

namespace d2l::predict {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;
using data_tool::OptionList;
using data_tool::OptionValues;
using launcher::usage;

constexpr const char* kUsage =
    "d2l-predict: applies a trained network to images or to the rows of a table\n"
    "\n"
    "Usage:\n"
    "  d2l-predict RUN|CHECKPOINT IMAGES... [--OPTION VALUE]...\n"
    "  d2l-predict RUN|CHECKPOINT TABLE [--OPTION VALUE]...\n"
    "  mpirun -n N d2l-predict ...                      the same on N ranks, with the same result\n"
    "\n"
    "RUN is the run folder of d2l-train; its best checkpoint is used, or else its newest. The\n"
    "checkpoint determines the network, its classes, the precision and how images are prepared.\n"
    "IMAGES are image files and folders of images (JPEG, PNG, WebP), or one dataset: a folder of\n"
    "shards, or a name that d2l-train knows. If the images are in folders that are named after\n"
    "the network's classes, or in a dataset with these classes, their labels are known.\n"
    "TABLE, for a network that was trained on a table, is a CSV file or a folder of d2l-data "
    "pack.\n"
    "\n"
    "Writes a CSV file with the most probable classes of each image, or with the class or number "
    "of\n"
    "each row. If the targets are known, prints to standard error the accuracy, the results of "
    "each\n"
    "class and the confusion matrix, or the errors of the numbers.\n"
    "\n"
    "Examples:\n"
    "  d2l-predict runs/a photo.jpg\n"
    "  d2l-predict runs/a photos --out predictions.csv --sheet mistakes.png\n"
    "  mpirun -n 4 d2l-predict runs/a shards/pets --split test --out predictions.csv\n"
    "  d2l-predict runs/house test.csv --out submission.csv\n"
    "\n";

constexpr const char* kExitCodes =
    "\nExit codes: 0 success, 1 failure, for example a damaged image, 2 wrong usage.\n";

// Options that d2l-train has too, with the same meaning.
const char* const kShared[] = {"device", "threads", "loader-threads"};

constexpr int64_t kMostInBatch = 1'000'000, kMostOnSheet = 10'000;

OptionList option_list() {
  OptionList options = data_tool::option_list();
  auto add = options.add_options();
  add("out", po::value<std::string>()->value_name("FILE.csv"),
      "write the CSV file there instead of to standard output");
  add("top", po::value<int64_t>()->value_name("K"),
      "classes for each image, the most probable first (default: 5, or all if there are fewer)");
  add("confusion", po::value<std::string>()->value_name("FILE.csv"),
      "write the confusion matrix: one row for each label, one column for each predicted class");
  add("per-class", po::value<std::string>()->value_name("FILE.csv"),
      "write a row for each class: number of images, precision, recall and F1");
  add("sheet", po::value<std::string>()->value_name("FILE.png"),
      "write a picture with images and their predicted classes: mistakes first, then the images "
      "with the lowest probabilities");
  add("sheet-images", po::value<int64_t>()->value_name("N"),
      "number of images in this picture (default 25)");
  add("from", po::value<std::string>()->value_name("STEP"),
      "the checkpoint of the run folder: the number of its step, or the path of its file");
  add("split", po::value<std::string>()->value_name("train|test"),
      "the split of a dataset (default test)");
  add("data-dir", po::value<std::string>()->value_name("DIR")->default_value(".", ""),
      "folder with the files of a dataset with a name (default .)");
  add("data", po::value<std::string>()->value_name("NAME"),
      "the training data, for checkpoints of older versions, which do not describe them");
  add("on-bad-sample", po::value<std::string>()->value_name("fail|skip")->default_value("fail", ""),
      "damaged images are named, counted and left out. fail: the exit code is then 1. skip: it is "
      "0 (default fail)");
  add("batch-size", po::value<int64_t>()->value_name("N")->default_value(64, ""),
      "images that a rank computes at a time (default 64)");
  for (const char* name : kShared) {
    const launcher::Option& option = launcher::option_named(name);
    add(name, po::value<std::string>()->value_name(option.value_name),
        concat(option.help, " (default ", option.member->text({}), ")").c_str());
  }
  add("help,h", "show this help and exit");
  add("version", "show the version and exit");
  return options;
}

// A file to write. Its folder must exist: the file is written only after everything is computed.
std::string output_file(const OptionValues& values, const std::string& option) {
  if (values.count(option) == 0) return "";
  std::string path = data_tool::required_path(values, option);
  std::error_code ignored;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, ignored))
    usage("--", option, " ", path, ": expected a file in an existing folder, found no folder ",
          folder.string());
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored))
    usage("--", option, " ", path, ": expected a file, found ",
          fs::is_directory(path, ignored) ? "a folder" : "something else");
  return path;
}

launcher::MachineConfig machine_options(const OptionValues& values) {
  launcher::Config config;
  for (const char* name : kShared) {
    if (values.count(name) == 0) continue;
    const launcher::Option& option = launcher::option_named(name);
    option.member->parse(config, "--" + option.name, values[name].as<std::string>());
    option.check_range(config);
  }
  return config.machine;
}

int64_t number(const OptionValues& values, const std::string& option, int64_t most) {
  const auto value = values[option].as<int64_t>();
  data_tool::check_range(option, value, 1, most);
  return value;
}

}  // namespace

std::optional<PredictOptions> parse_options(const std::vector<std::string>& words) {
  const OptionValues values = data_tool::parse(option_list(), words, "path");
  if (values.count("help") != 0) return std::nullopt;
  PredictOptions options;
  if (values.count("path") != 0) options.images = values["path"].as<data_tool::Words>();
  for (std::string& path : options.images) path = expand_home("a path", path);
  if (options.images.size() < 2)
    usage("expected a run folder or a checkpoint, and then images or a table, found ",
          options.images.empty() ? "no words" : "only " + options.images[0]);
  options.run = options.images.front();
  options.images.erase(options.images.begin());
  if (values.count("from") != 0) options.from = data_tool::required_path(values, "from");
  if (values.count("data") != 0) options.data = data_tool::required_path(values, "data");
  options.data_dir = data_tool::required_path(values, "data-dir");
  options.split = data_tool::split_option(values);
  if (values.count("top") != 0) options.top = number(values, "top", INT32_MAX);
  options.batch_size = number(values, "batch-size", kMostInBatch);
  const std::string bad = values["on-bad-sample"].as<std::string>();
  data_tool::check_word("on-bad-sample", bad, {"fail", "skip"});
  options.skips_damaged = bad == "skip";
  options.out = output_file(values, "out");
  options.confusion = output_file(values, "confusion");
  options.per_class = output_file(values, "per-class");
  options.sheet = output_file(values, "sheet");
  if (!options.sheet.empty() && !options.sheet.ends_with(".png"))
    usage("--sheet: expected the name of a PNG file, such as sheet.png, found ", options.sheet);
  if (values.count("sheet-images") != 0) {
    if (options.sheet.empty()) usage("--sheet-images has no effect without --sheet");
    options.sheet_images = number(values, "sheet-images", kMostOnSheet);
  }
  options.machine = machine_options(values);
  return options;
}

std::string predict_help() {
  std::ostringstream stream;
  stream << kUsage << option_list() << kExitCodes;
  return stream.str();
}

}  // namespace d2l::predict
