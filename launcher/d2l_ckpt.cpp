#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "framework/base/checksum.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/program.h"
#include "framework/base/text.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "launcher/export_weights.h"
#include "launcher/import_weights.h"
#include "launcher/model_card.h"
#include "launcher/stored_network.h"

namespace {

namespace options = boost::program_options;
using namespace d2l;

constexpr unsigned kColumns = 100, kMeaningColumns = 80;  // of --help

constexpr const char* kUsage =
    "d2l-ckpt: inspects, compares and converts checkpoints\n"
    "\n"
    "Usage:\n"
    "  d2l-ckpt info FILE               verify a checkpoint and list its contents\n"
    "  d2l-ckpt diff A B [--rtol X]     compare the training states of two checkpoints, but not\n"
    "                                   their texts, such as the options\n"
    "  d2l-ckpt hash FILE               print one hash of the training state, without the texts:\n"
    "                                   equal states have equal hashes, in whatever run and on "
    "any\n"
    "                                   number of ranks they were made\n"
    "  d2l-ckpt convert RUN FILE.safetensors\n"
    "                                   write the network for PyTorch: its names and order of "
    "axes\n"
    "  d2l-ckpt convert WEIGHTS FILE.h5 --like RUN\n"
    "                                   the way back: write a checkpoint with the weights of any "
    "file\n"
    "                                   that d2l-train --weights reads; the rest is that of RUN\n"
    "  d2l-ckpt card RUN [FILE.md]      describe the network of a run in Markdown: what it is, "
    "its\n"
    "                                   data, training, results and use\n"
    "\n"
    "The ending of the file that convert writes, .safetensors or .h5, decides what it does. An\n"
    "existing file is replaced.\n"
    "\n"
    "FILE, A, B and RUN are checkpoints, run folders or folders of checkpoints. In a folder, the\n"
    "newest checkpoint is used, and for convert and card the best.\n"
    "\n";

constexpr const char* kExitCodes =
    "\nExit codes: 0 valid or equal, 1 the states differ, 2 damaged file or wrong usage.\n";

struct Command {
  std::string name;
  std::vector<std::string> paths;
  double relative_tolerance = 0;
  std::string like;  // of convert
};

// The file itself, or the newest step-*.h5 of a folder or of the folder checkpoints/ in it.
std::filesystem::path resolve(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return path;
  for (const std::filesystem::path& folder : {path, path / "checkpoints"}) {
    std::vector<int64_t> steps = CheckpointStore::steps(folder);
    if (!steps.empty()) return CheckpointStore::path_of(folder, steps.back());
  }
  fail(path.string(),
       ": expected a checkpoint (step-*.h5) in it or in its folder checkpoints, found none");
}

void print_scalars(const Snapshot& snapshot) {
  for (const auto& [name, value] : snapshot.integers) std::cout << name << " = " << value << '\n';
  std::cout << std::setprecision(17);
  for (const auto& [name, value] : snapshot.reals) std::cout << name << " = " << value << '\n';
}

void print_texts(const Snapshot& snapshot) {
  for (const auto& [name, text] : snapshot.texts) {
    std::cout << '\n' << name << ":\n" << text;
    if (!text.empty() && text.back() != '\n') std::cout << '\n';
  }
}

// Returns the number of elements under parameters/.
int64_t print_arrays(const Snapshot& snapshot) {
  size_t width = 0;
  for (const auto& [name, array] : snapshot.arrays) width = std::max(width, name.size());
  int64_t parameters = 0;
  for (const auto& [name, array] : snapshot.arrays) {
    std::cout << std::left << std::setw(static_cast<int>(width) + 2) << name
              << to_string(array.dtype) << ' ' << array.shape << '\n';
    if (name.starts_with("parameters/")) parameters += array.shape.elements();
  }
  return parameters;
}

void print_progress(const Snapshot& snapshot, const char* label, const char* name) {
  auto found = snapshot.integers.find(name);
  if (found != snapshot.integers.end()) std::cout << label << found->second << '\n';
}

// The best evaluation of the run until then.
void print_best(const Snapshot& snapshot) {
  const std::string result = launcher::best_result(snapshot);
  if (result.empty()) return;
  const auto step = snapshot.integers.find("progress/best_step");
  std::cout << "best       " << result;
  if (step != snapshot.integers.end() && step->second >= 0)
    std::cout << ", after step " << step->second;
  std::cout << '\n';
}

int info(const Command& command) {
  std::filesystem::path path = resolve(command.paths[0]);
  Snapshot snapshot = read_checkpoint(path);
  std::cout << "file       " << path.string() << '\n'
            << "size       " << human_bytes(std::filesystem::file_size(path)) << '\n';
  print_progress(snapshot, "step       ", "progress/step");
  print_progress(snapshot, "epoch      ", "progress/epoch");
  print_best(snapshot);
  std::cout << "verified   every byte\n\n";
  int64_t parameters = print_arrays(snapshot);
  std::cout << with_thousands(parameters) << " parameters in all\n\n";
  print_scalars(snapshot);
  print_texts(snapshot);
  return 0;
}

int diff(const Command& command) {
  Snapshot a = read_checkpoint(resolve(command.paths[0]));
  Snapshot b = read_checkpoint(resolve(command.paths[1]));
  std::vector<std::string> differences = diff_snapshots(a, b, command.relative_tolerance);
  for (const std::string& line : differences) std::cout << line << '\n';
  if (!differences.empty()) return 1;
  bool identical = command.relative_tolerance == 0 || diff_snapshots(a, b).empty();
  if (identical)
    std::cout << "identical\n";
  else
    std::cout << "equal within " << command.relative_tolerance << '\n';
  return 0;
}

int hash(const Command& command) {
  const Snapshot snapshot = read_checkpoint(resolve(command.paths[0]));
  std::cout << checksum_text(state_checksum(snapshot)) << '\n';
  return 0;
}

void warn(const std::string& message) { std::cerr << "warning: " << message << '\n'; }

launcher::StoredNetwork network_of(const std::string& path) {
  return launcher::stored_network(launcher::choose_checkpoint({path, ""}, warn));
}

int convert_to_pytorch(const Command& command) {
  const std::filesystem::path to = command.paths[1];
  const launcher::StoredNetwork network = network_of(command.paths[0]);
  launcher::export_weights(network, to);
  std::cout << network.path.string() << ": " << network.config.model.name << network.step_text()
            << (network.is_averaged ? ", averaged weights" : "") << ", written to " << to.string()
            << '\n';
  return 0;
}

int convert_to_checkpoint(const Command& command) {
  const std::filesystem::path to = command.paths[1];
  const launcher::StoredNetwork like = network_of(command.like);
  std::error_code ignored;
  for (const std::filesystem::path& read : {std::filesystem::path(command.paths[0]), like.path})
    if (std::filesystem::equivalent(read, to, ignored))
      throw UsageError("convert expects another file to write than those that it reads, found " +
                       to.string());
  std::cout << launcher::import_weights({command.paths[0], warn}, like, to) << '\n'
            << "written to " << to.string() << ", with the options and classes of "
            << like.path.string() << '\n';
  return 0;
}

int convert(const Command& command) {
  const std::filesystem::path to = command.paths[1];
  if (to.extension() == ".safetensors") {
    if (!command.like.empty())
      throw UsageError(
          "--like has no effect with a .safetensors file, only with a checkpoint "
          "(.h5) to write, found " +
          to.string());
    return convert_to_pytorch(command);
  }
  if (to.extension() != ".h5")
    throw UsageError("convert expects a file to write that ends with .safetensors or .h5, found " +
                     to.string());
  if (command.like.empty())
    throw UsageError("convert to " + to.string() +
                     " needs --like RUN: a run or checkpoint with the same network, whose options "
                     "and classes the new checkpoint gets");
  return convert_to_checkpoint(command);
}

int card(const Command& command) {
  if (command.paths.size() == 2 && !command.paths[1].ends_with(".md"))
    throw UsageError("card expects a file to write that ends with .md, found " + command.paths[1]);
  const std::string text = launcher::model_card(command.paths[0], warn);
  if (command.paths.size() == 1)
    std::cout << text;
  else
    write_text_file(command.paths[1], text);
  return 0;
}

struct Known {
  const char* name;
  size_t least_paths, most_paths;
  int (*run)(const Command& command);
};
constexpr Known kCommands[] = {{"info", 1, 1, info},
                               {"diff", 2, 2, diff},
                               {"hash", 1, 1, hash},
                               {"convert", 2, 2, convert},
                               {"card", 1, 2, card}};

// Throws UsageError if there is none, and unless it has the number of paths that it needs.
const Known& known(const Command& command) {
  std::vector<std::string> names;
  for (const Known& known : kCommands) {
    names.emplace_back(known.name);
    if (command.name != known.name) continue;
    const size_t found = command.paths.size();
    if (found < known.least_paths || found > known.most_paths)
      throw UsageError(
          concat(command.name, " expects ", known.least_paths,
                 known.most_paths > known.least_paths ? concat(" or ", known.most_paths) : "",
                 known.most_paths == 1 ? " path" : " paths", ", found ", found));
    return known;
  }
  throw UsageError(unknown_name("command", command.name, names));
}

Command parse(int argc, char** argv, bool& help) {
  options::options_description shown("Options", kColumns, kMeaningColumns);
  shown.add_options()("help,h", "show this help and exit")("version", "show the version and exit")(
      "rtol", options::value<double>()->value_name("X"),
      "relative tolerance of diff: floating-point numbers a and b count as equal if |a-b| <= X * "
      "max(|a|, |b|, r), where r is the larger of the root mean squares of the two arrays (default "
      "0: only identical bits count as equal)")(
      "like", options::value<std::string>()->value_name("RUN"),
      "the network that convert writes a checkpoint of: a run, whose best or newest checkpoint is "
      "used, or a checkpoint; all arrays of the weights must match, and the new checkpoint gets "
      "its "
      "options, classes and preparation of the images");
  options::options_description all;
  all.add(shown).add_options()("words", options::value<std::vector<std::string>>());
  options::positional_options_description positions;
  positions.add("words", -1);
  options::variables_map values;
  namespace style = options::command_line_style;
  try {
    options::store(options::command_line_parser(argc, argv)
                       .options(all)
                       .positional(positions)
                       .style(style::unix_style & ~style::allow_guessing)
                       .run(),
                   values);
  } catch (const options::unknown_option& error) {
    throw UsageError(unknown_name("option", error.get_option_name(),
                                  {"--help", "--version", "--rtol", "--like"}));
  } catch (const options::error& error) {
    throw UsageError(error.what());
  }
  Command command;
  help = values.count("help") > 0;
  if (help) {
    std::cout << kUsage << shown << kExitCodes;
    return command;
  }
  if (values.count("words")) command.paths = values["words"].as<std::vector<std::string>>();
  if (command.paths.empty())
    throw UsageError("expected a command, info, diff, hash, convert or card; see --help");
  command.name = command.paths[0];
  command.paths.erase(command.paths.begin());
  known(command);
  if (values.count("like")) {
    if (command.name != "convert")
      throw UsageError("--like has no effect with " + command.name + ", only with convert");
    command.like = values["like"].as<std::string>();
  }
  if (values.count("rtol")) {
    if (command.name != "diff")
      throw UsageError("--rtol has no effect with " + command.name + ", only with diff");
    command.relative_tolerance = values["rtol"].as<double>();
    if (!(command.relative_tolerance >= 0 && command.relative_tolerance < 1))
      throw UsageError(
          concat("--rtol expects a number from 0 to below 1, found ", command.relative_tolerance));
  }
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  if (asks_for_version(argc, argv)) {
    std::cout << version_text();
    return 0;
  }
  try {
    bool help = false;
    Command command = parse(argc, argv, help);
    if (help) return 0;
    const int result = known(command).run(command);
    std::cout.flush();
    check(std::cout.good(), "cannot write to standard output");
    return result;
  } catch (const std::exception& error) {
    std::cerr << "d2l-ckpt: error: " << error.what() << '\n';
    return 2;
  }
}
