#include "launcher/launch_tool/launch_options.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <sstream>

#include "framework/base/error.h"
#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "framework/launch/hosts.h"

namespace d2l::launch_tool {
namespace {

namespace po = boost::program_options;

constexpr unsigned kColumns = 100, kMeaningColumns = 70;  // of --help

constexpr const char* kUsage =
    "d2l-launch: starts the ranks of a program with mpirun or srun, watches them, and starts them\n"
    "again if they fail\n"
    "\n"
    "Usage:\n"
    "  d2l-launch [--OPTION VALUE]... -- PROGRAM [ARGUMENT]...\n"
    "\n"
    "Inside a Slurm job the ranks run on its nodes and srun starts them, unless hosts are given.\n"
    "To continue after a failure, d2l-train needs the words --out FOLDER --resume auto, or\n"
    "--resume FOLDER.\n"
    "\n"
    "Examples:\n"
    "  d2l-launch --ranks 8 -- d2l-train --recipe lenet --out runs/a --resume auto\n"
    "  d2l-launch --hosts node1:4,node2:4 --min-ranks 4 -- d2l-train --resume /shared/runs/a\n"
    "  d2l-launch --ranks 4 --dry-run -- d2l-predict runs/a photos\n"
    "\n";

constexpr const char* kExitCodes =
    "\nExit codes: 0 finished, 2 wrong usage, 75 stopped early with its state saved (start the "
    "same\n"
    "command again), 128 + N ended by the signal N, otherwise the exit code of the ranks.\n";

po::options_description option_list() {
  po::options_description options("Options", kColumns, kMeaningColumns);
  auto add = options.add_options();
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  add("ranks", text("N"),
      "number of ranks (default: the slots of the hosts, or the tasks of the Slurm job)");
  add("hosts", text("HOST:SLOTS,..."), "hosts and the number of ranks that each may have");
  add("hostfile", text("FILE"), "the same, one host per line: HOST slots=SLOTS");
  add("min-ranks", text("N"),
      "after hosts have failed, go on with fewer ranks, but not with fewer than this (default: all "
      "ranks)");
  add("max-restarts", text("N"),
      "start again after a failure, at most N times in a row without a newer checkpoint (default 3 "
      "if the program can continue, else 0)");
  add("cores-per-rank", text("N|none|auto"),
      "bind each rank to N cores of its host, or to none. auto: the cores divided among the ranks, "
      "where they are known: on this host and under Slurm (default auto)");
  add("logs", text("FOLDER"),
      "also write the output of each rank to FOLDER/start-1/rank.0/stdout and so on; all hosts "
      "share "
      "the folder");
  add("prefix", "print [R] before each line of rank R");
  add("dry-run", "print the placement of the ranks and the command that starts them, and exit");
  add("help,h", "show this help and exit");
  add("version", "show the version and exit");
  return options;
}

Words option_names() {
  Words names;
  const po::options_description options = option_list();
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  return names;
}

po::variables_map parse(const Words& words) {
  po::variables_map values;
  const po::options_description options = option_list();
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    po::store(po::command_line_parser(words)
                  .options(options)
                  .positional(po::positional_options_description())
                  .style(style)
                  .run(),
              values);
  } catch (const po::unknown_option& error) {
    throw UsageError(unknown_name("option", error.get_option_name(), option_names()));
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError("unexpected word; expected options of d2l-launch, then '--' and the program");
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  return values;
}

int count_from_zero(const std::string& label, const std::string& text) {
  return text == "0" ? 0 : launch::positive_number(label, text);
}

}  // namespace

std::optional<LaunchOptions> parse_options(const Words& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  const po::variables_map values = parse({words.begin(), end});
  if (values.count("help") != 0) return std::nullopt;
  const auto text = [&](const char* name) {
    return values.count(name) == 0 ? std::string() : values[name].as<std::string>();
  };
  const auto number = [&](const char* name) -> std::optional<int> {
    if (values.count(name) == 0) return std::nullopt;
    return launch::positive_number(concat("--", name), text(name));
  };
  LaunchOptions options;
  options.ranks = number("ranks");
  options.min_ranks = number("min-ranks");
  if (values.count("max-restarts") != 0)
    options.max_restarts = count_from_zero("--max-restarts", text("max-restarts"));
  options.hosts = text("hosts");
  options.hostfile = expand_home("--hostfile", text("hostfile"));
  if (!options.hosts.empty() && !options.hostfile.empty())
    throw UsageError("expected --hosts or --hostfile, found both");
  const std::string cores = text("cores-per-rank");
  if (cores == "none")
    options.cores_per_rank = 0;
  else if (!cores.empty() && cores != "auto")
    options.cores_per_rank = launch::positive_number("--cores-per-rank", cores);
  options.logs = expand_home("--logs", text("logs"));
  if (options.logs.find(':') != std::string::npos)  // mpirun's options would begin there
    throw UsageError(concat("--logs: expected a path without ':', found ", options.logs));
  options.prefix = values.count("prefix") != 0;
  options.dry_run = values.count("dry-run") != 0;
  if (end != words.end()) options.program.assign(end + 1, words.end());
  if (options.program.empty())
    throw UsageError("expected '--' and a program with its arguments, such as -- d2l-train ...");
  return options;
}

std::string launch_help() {
  std::ostringstream stream;
  stream << kUsage << option_list() << kExitCodes;
  return stream.str();
}

}  // namespace d2l::launch_tool
