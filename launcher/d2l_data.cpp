// d2l-data: downloads datasets, packs them into shards, describes shards and verifies them.

#include <boost/program_options.hpp>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "data/catalog.h"
#include "data/oddities.h"
#include "data/shards/shard_dataset.h"
#include "data/shards/shard_file.h"
#include "framework/base/error.h"
#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "launcher/fetch_command.h"
#include "launcher/pack.h"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using namespace d2l;
using namespace d2l::data;

constexpr const char* kUsage =
    "d2l-data: downloads datasets, packs them into HDF5 shards, inspects and verifies shards\n"
    "\n"
    "Usage:\n"
    "  d2l-data fetch NAME [--data-dir DIR]\n"
    "                               download the original files of a dataset into DIR/NAME\n"
    "  d2l-data pack --from NAME --split train|test --out DIR [--OPTION VALUE]...\n"
    "                               pack one split of a dataset; run it once for each split\n"
    "  d2l-data info PATH...        show the metadata of shards and their samples per class\n"
    "  d2l-data verify PATH...      read shards completely and check that they are undamaged\n"
    "\n"
    "PATH is a shard or a folder of shards. d2l-data COMMAND --help shows all options.\n"
    "\n"
    "Examples:\n"
    "  d2l-data fetch mnist --data-dir data\n"
    "  d2l-data pack --from mnist --data-dir data --split train --out shards/mnist\n"
    "  d2l-data pack --from mnist --data-dir data --split test --out shards/mnist\n"
    "\n";

constexpr const char* kExitCodes =
    "Exit codes: 0 success, 1 failure, for example a damaged shard, 2 wrong usage.\n";

constexpr unsigned kColumns = 100, kMeaningColumns = 75;  // of --help

using Words = std::vector<std::string>;

po::options_description pack_options() {
  po::options_description options("Options", kColumns, kMeaningColumns);
  auto add = options.add_options();
  // Texts name the defaults as those of d2l-train do.
  add("from", po::value<std::string>()->value_name("NAME"),
      ("dataset to pack: " + join(dataset_names(), ", ") +
       "; the path of a folder of shards; or idx: other files in --data-dir that have the format "
       "and the names of the MNIST files")
          .c_str());
  add("data-dir", po::value<std::string>()->value_name("DIR")->default_value(".", ""),
      "folder that contains the files of the dataset, directly or in a subfolder with the name of "
      "the dataset (default .)");
  add("split", po::value<std::string>()->value_name("train|test")->default_value("train", ""),
      "split to pack (default train)");
  add("out", po::value<std::string>()->value_name("DIR"),
      "output folder; created if it does not exist");
  add("shards", po::value<int>()->value_name("N")->default_value(1, ""),
      "number of shards; each shard is one file (default 1)");
  add("limit", po::value<int64_t>()->value_name("N"),
      "pack only the first N samples (default: all)");
  add("deflate", po::value<int>()->value_name("N")->default_value(0, ""),
      "compression level, from 0 (none) to 9 (default 0)");
  add("name", po::value<std::string>()->value_name("NAME"),
      "name of the dataset that is stored in the shards (default: the original name)");
  add("help,h", "show this help and exit");
  return options;
}

po::options_description path_options() {
  po::options_description options("Options", kColumns, kMeaningColumns);
  options.add_options()("help,h", "show this help and exit");
  return options;
}

std::string usage_of(const std::string& command) {
  if (command == "pack")
    return "Usage: d2l-data pack --from NAME --split train|test --out DIR [--OPTION VALUE]...\n\n"
           "Packs one split of a dataset into HDF5 shards. Run it once for each split.\n\n";
  const std::string usage = "Usage: d2l-data " + command + " PATH...\n\n";
  if (command == "info")
    return usage +
           "Prints the dataset, split, samples, classes and size of each shard.\n"
           "PATH is a shard or a folder of shards.\n\n";
  return usage +
         "Reads shards completely and compares their checksums. Stops at the first damaged one.\n"
         "PATH is a shard or a folder of shards. A folder must contain all shards of a split.\n\n";
}

void print_help(const std::string& command, const po::options_description& options) {
  std::cout << usage_of(command) << options << "\n" << kExitCodes;
}

Words flag_names(const po::options_description& options) {
  Words names;
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  return names;
}

// `positional`: what words without an option are, if the command has them.
po::variables_map parse(const po::options_description& options, const Words& words,
                        const char* positional) {
  po::positional_options_description places;
  po::options_description all;
  all.add(options);
  if (positional != nullptr) {
    places.add(positional, -1);
    all.add_options()(positional, po::value<Words>());
  }
  po::variables_map values;
  try {
    const int style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(words).options(all).positional(places).style(style).run(),
              values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    throw UsageError(unknown_name("option", error.get_option_name(), flag_names(options)));
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError("unexpected argument; every value must follow its --option");
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  return values;
}

std::string required(const po::variables_map& values, const std::string& option) {
  if (values.count(option) == 0) throw UsageError("--" + option + " is missing");
  return expand_home("--" + option, values[option].as<std::string>());
}

void check_range(const std::string& option, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most)
    throw UsageError(
        d2l::concat("--", option, ": expected ", least, " to ", most, ", found ", value));
}

void pack(const Words& words) {
  const po::options_description options = pack_options();
  const po::variables_map values = parse(options, words, nullptr);
  if (values.count("help") != 0) return print_help("pack", options);
  const std::string from = required(values, "from"), out = required(values, "out");
  const std::string split_text = values["split"].as<std::string>();
  if (split_text != "train" && split_text != "test")
    throw UsageError(unknown_name("split", split_text, {"train", "test"}));
  ShardInfo info;
  info.split = split_from(split_text);
  info.shards = values["shards"].as<int>();
  info.deflate = values["deflate"].as<int>();
  check_range("shards", info.shards, 1, 99999);
  check_range("deflate", info.deflate, 0, 9);

  const fs::path data_dir = required(values, "data-dir");
  const std::unique_ptr<Dataset> source = from == "idx"
                                              ? open_idx_folder(data_dir, info.split, "idx")
                                              : open_dataset(from, data_dir, info.split);
  info.dataset = source->info();
  if (values.count("name") != 0) info.dataset.name = values["name"].as<std::string>();
  if (values.count("limit") != 0) {
    const int64_t limit = values["limit"].as<int64_t>();
    check_range("limit", limit, 1, source->samples());
    info.dataset.samples = limit;
  }
  check_range("shards", info.shards, 1, info.dataset.samples);
  for (const std::string& line : oddities(*source, info.split, info.dataset.samples))
    std::cerr << "d2l-data: warning: " << line << "\n";
  const uint64_t bytes = pack_shards(out, info, *source);
  std::cout << "packed " << with_thousands(info.dataset.samples) << " samples of "
            << info.dataset.name << " (" << to_string(info.split) << ") into " << info.shards
            << " shard" << (info.shards == 1 ? "" : "s") << " in " << out << ", "
            << human_bytes(bytes) << "\n";
}

// The shards of `path`, a file or a folder.
std::vector<fs::path> shards_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  std::vector<fs::path> all;
  for (Split split : {Split::train, Split::test})
    for (fs::path& shard : find_shards(path, split)) all.push_back(std::move(shard));
  check(!all.empty(), path.string(),
        ": expected shards (train- or test-00000-of-NNNNN.h5), found none");
  return all;
}

void print_info(const fs::path& path) {
  const ShardFile shard(path);
  const ShardInfo& info = shard.info();
  const DatasetInfo& set = info.dataset;
  uint64_t raw = 0;
  for (int64_t i = 0; i < shard.blocks(); ++i)
    raw +=
        shard.block(i).bytes - static_cast<uint64_t>(shard.block(i).samples) * sizeof(SampleRecord);
  auto line = [](const std::string& name, const auto&... parts) {
    std::cout << "  " << name << std::string(14 - name.size(), ' ')
              << visible(d2l::concat(parts...)) << "\n";
  };
  std::cout << path.string() << "\n";
  line("dataset", set.name, ", ", to_string(info.split), ", shard ", info.index + 1, " of ",
       info.shards);
  line("samples", with_thousands(info.samples), ", numbers ", with_thousands(info.first), " to ",
       with_thousands(info.first + info.samples - 1), " of ", with_thousands(set.samples));
  if (set.has_one_size())
    line("shape", set.shape, ", bytes");
  else
    line("shape", "different sizes, ", set.shape[2], " channels");
  line("classes", set.classes, set.class_names.empty() ? "" : ": ", join(set.class_names, ", "));
  line("per class", counts_text(shard.class_counts()));
  line("chunks", with_thousands(shard.blocks()));
  line("bytes", human_bytes(raw), ", stored as ", human_bytes(shard.stored_bytes()),
       ", in a file of ", human_bytes(fs::file_size(path)));
  line("compression", info.deflate == 0 ? "none" : d2l::concat("deflate ", info.deflate));
  line("source", set.source);
  line("licence", set.licence);
}

// A folder must contain complete sets of intact files.
void verify_path(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error))
    for (Split split : {Split::train, Split::test})
      if (!find_shards(path, split).empty()) ShardDataset(path, split);
  for (const fs::path& file : shards_of(path)) {
    const ShardFile shard(file);
    shard.verify();
    std::cout << file.string() << ": ok, " << with_thousands(shard.info().samples) << " samples\n";
  }
}

void for_paths(const std::string& command, const Words& words) {
  const po::options_description options = path_options();
  const po::variables_map values = parse(options, words, "path");
  if (values.count("help") != 0) return print_help(command, options);
  if (values.count("path") == 0) throw UsageError(command + ": a path is missing");
  for (const std::string& path : values["path"].as<Words>()) {
    if (command == "verify") {
      verify_path(path);
      continue;
    }
    for (const fs::path& shard : shards_of(path)) print_info(shard);
  }
}

void run(const Words& words) {
  const std::string command = words.empty() ? "" : words[0];
  const Words rest(words.begin() + (words.empty() ? 0 : 1), words.end());
  if (command == "--help" || command == "-h" || command == "help")
    std::cout << kUsage << kExitCodes;
  else if (command == "fetch")
    fetch(rest);
  else if (command == "pack")
    pack(rest);
  else if (command == "info" || command == "verify")
    for_paths(command, rest);
  else if (command.empty())
    throw UsageError("a command is missing: fetch, pack, info or verify");
  else
    throw UsageError(unknown_name("command", command, {"fetch", "pack", "info", "verify"}));
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is then an error with a message
  try {
    run(Words(argv + 1, argv + argc));
    std::cout.flush();
    return std::cout.good() ? 0 : 1;
  } catch (const UsageError& error) {
    std::cerr << "d2l-data: error: " << error.what() << " (d2l-data --help shows the usage)\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "d2l-data: error: " << error.what() << "\n";
    return 1;
  }
}
