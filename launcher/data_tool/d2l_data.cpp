// d2l-data: downloads datasets, packs images into shards and tables, describes, shows and verifies
// them.

#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "framework/base/error.h"
#include "framework/base/program.h"
#include "framework/base/text.h"
#include "framework/comm/launch_environment.h"
#include "launcher/data_tool/commands.h"

namespace d2l::data_tool {
namespace {

constexpr const char* kUsage =
    "d2l-data: downloads datasets, packs images and tables into HDF5 files, inspects and verifies "
    "them\n"
    "\n"
    "Usage:\n"
    "  d2l-data fetch NAME [--data-dir DIR]\n"
    "                               download the original files of a dataset into DIR/NAME\n"
    "  d2l-data pack --from SOURCE --out DIR [--OPTION VALUE]...\n"
    "                               pack a folder or an archive of images, a list or a dataset\n"
    "  d2l-data pack --from FILE.csv --target COLUMN --out DIR [--OPTION VALUE]...\n"
    "                               pack a table\n"
    "  d2l-data info PATH...        show what shards contain: sizes, classes, mean and deviation\n"
    "  d2l-data stats PATH          compute the mean and deviation, as a value for --normalize\n"
    "  d2l-data show PATH --out FILE.png\n"
    "                               write a picture with random samples, also augmented\n"
    "  d2l-data bench PATH          measure how fast samples are read, decoded and augmented\n"
    "  d2l-data verify PATH...      read shards completely and check that they are undamaged\n"
    "\n"
    "PATH is a shard or a folder of shards; info and verify also take packed tables.\n"
    "d2l-data COMMAND --help shows all options.\n"
    "\n"
    "Examples:\n"
    "  d2l-data fetch mnist --data-dir data\n"
    "  d2l-data pack --from photos --valid 0.1 --out shards/photos\n"
    "  mpirun -n 8 d2l-data pack --from imagenet.tar --resize 256 --out shards/imagenet\n"
    "  d2l-data pack --from mnist --data-dir data --out shards/mnist\n"
    "  d2l-data pack --from train.csv --target SalePrice --id Id --out tables/house\n"
    "  d2l-data verify --decode shards/photos\n"
    "\n";

OptionList general_options() {
  OptionList options = option_list();
  options.add_options()("help,h", "show this help and exit")("version",
                                                             "show the version and exit");
  return options;
}

using Command = std::function<void(const Words&)>;

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> kTable = {{"bench", bench}, {"fetch", fetch},
                                                        {"info", info},   {"show", show},
                                                        {"stats", stats}, {"verify", verify}};
  return kTable;
}

Words command_names() {
  Words names = {"pack"};
  for (const auto& [name, command] : commands()) names.push_back(name);
  return names;
}

// Every command but `pack`.
void run(const std::string& command, const Words& words) {
  if (command == "--help" || command == "-h" || command == "help") {
    print_help(kUsage, general_options());
    return;
  }
  if (command.empty()) throw UsageError("a command is missing: " + join(command_names(), ", "));
  const auto found = commands().find(command);
  if (found == commands().end())
    throw UsageError(unknown_name("command", command, command_names()));
  found->second(words);
}

int main_of(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // writes beyond the file size limit then return an error
  const bool reports = LaunchEnvironment::read(&std::getenv).is_reporting_rank;
  if (asks_for_version(argc, argv)) {
    if (reports) std::cout << version_text();
    return 0;
  }
  const std::string command = argc > 1 ? argv[1] : "";
  const Words words(argv + std::min(argc, 2), argv + argc);
  if (command == "pack") return pack(words, argc, argv);
  if (!reports) return 0;
  try {
    run(command, words);
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

}  // namespace
}  // namespace d2l::data_tool

int main(int argc, char** argv) { return d2l::data_tool::main_of(argc, argv); }
