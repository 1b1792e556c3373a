#include "launcher/command_line.h"

#include <boost/program_options.hpp>
#include <sstream>
#include <utility>

#include "framework/base/files.h"
#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "launcher/former_options.h"
#include "launcher/ini.h"
#include "launcher/options/options.h"
#include "launcher/options/usage.h"
#include "launcher/stored_config.h"

namespace d2l::launcher {
namespace {

namespace po = boost::program_options;

constexpr unsigned kColumns = 100, kMeaningColumns = 73;  // of --help

constexpr const char* kUsage =
    "d2l-train: trains neural networks, on one or several processes (MPI ranks), CPUs and GPUs\n"
    "\n"
    "Usage:\n"
    "  d2l-train --model NAME [--OPTION VALUE]...     train a network with default options\n"
    "  d2l-train --recipe NAME [--OPTION VALUE]...    train a network with predefined options\n"
    "  d2l-train --resume DIR [--OPTION VALUE]...     continue a run\n"
    "  mpirun -n N d2l-train ...                      the same on N ranks\n"
    "\n"
    "Examples:\n"
    "  d2l-train --recipe lenet --data data/samples/fashion-mnist --out runs/first\n"
    "  mpirun -n 4 d2l-train --recipe resnet20 --data cifar10 --data-dir data\n"
    "  d2l-train --resume runs/first --epochs 20\n";

constexpr const char* kExitCodes =
    "\nExit codes: 0 success, 1 failure, 2 wrong usage, 75 stopped early with the state saved,\n"
    "128 + N ended by the signal N.\n";

std::string default_note(const Option& option) {
  const std::string text = option.member->text(Config());
  return text.empty() ? "" : " (default " + text + ")";
}

po::options_description flags() {
  po::options_description all("", kColumns, kMeaningColumns);
  std::vector<std::pair<std::string, po::options_description>> groups;
  for (const Option& option : options()) {
    if (!option.is_flag) continue;
    if (groups.empty() || groups.back().first != option.group)
      groups.emplace_back(option.group,
                          po::options_description(option.group, kColumns, kMeaningColumns));
    groups.back().second.add_options()(option.name.c_str(),
                                       po::value<std::string>()->value_name(option.value_name),
                                       (option.help + default_note(option)).c_str());
  }
  groups.front().second.add_options()(
      "list-models",
      "print all networks with their number of parameters, multiply-adds per image, input size and "
      "number of classes, and exit");
  groups.back().second.add_options()("check",
                                     "print what the job would work with (ranks, hosts, cores, "
                                     "devices, data, network, run folder), "
                                     "measure the network, and exit without training");
  groups.back().second.add_options()(
      "plan",
      "predict what the run needs: memory, size of a checkpoint, steps, and time per step and in "
      "all; computes a few steps for that, and exits without training");
  groups.back().second.add_options()("help,h", "show this help and exit");
  groups.back().second.add_options()("version", "show the version and exit");
  for (const auto& group : groups) all.add(group.second);
  return all;
}

std::vector<std::string> flag_names() {
  std::vector<std::string> names;
  for (const Option& option : options())
    if (option.is_flag) names.push_back("--" + option.name);
  names.insert(names.end(), {"--list-models", "--check", "--plan", "--help", "--version"});
  return names;
}

// Boost only reports that a value is missing or not allowed.
[[noreturn]] void fail_syntax(const po::invalid_command_line_syntax& error) {
  std::string flag = error.get_option_name();
  if (error.kind() == po::invalid_syntax::extra_parameter) usage(flag, " takes no value");
  const Option* option = find_option(flag.substr(flag.find_first_not_of('-')));
  usage(flag, " expects a value", option ? " (" + option->value_name + ")" : "", ", found none");
}

std::vector<po::option> tokens(int argc, const char* const* argv) {
  const po::options_description known = flags();
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    return po::command_line_parser(argc, argv).options(known).style(style).run().options;
  } catch (const po::unknown_option& error) {
    std::string flag = error.get_option_name();
    flag = flag.substr(0, flag.find('='));
    const std::string step = FormerOptions::instead_of(flag);
    if (!step.empty()) usage(flag, " has become a step of --augment: --augment ", step);
    throw UsageError(unknown_name("option", flag, flag_names(), "d2l-train --help"));
  } catch (const po::invalid_command_line_syntax& error) {
    fail_syntax(error);
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
}

Settings settings_of(const std::vector<po::option>& words) {
  Settings settings;
  for (const po::option& word : words) {
    if (word.position_key >= 0 || word.string_key.empty())
      usage("unexpected word '", join(word.value, " "), "'; every value must follow its --option");
    std::string label = "--" + word.string_key, value = word.value.at(0);
    // Boost takes any next word as the value.
    if (value.starts_with("--")) usage(label, " expects a value, found the option '", value, "'");
    const Option& option = option_named(word.string_key);
    // Usually an unset shell variable.
    if (value.empty() && !option.takes_empty) usage(label, " expects a value, found none");
    // The shell has expanded `--out ~/x`, but not `--out=~/x`.
    if (option.is_path) value = expand_home(label, value);
    settings.push_back({word.string_key, label, value});
  }
  return settings;
}

// A job does one thing.
void check_modes(const CommandLine& line) {
  const bool times = line.config.machine.time > 0;
  if (line.plan && (line.check || times))
    usage("--plan expects no other measurement, found ", line.check ? "--check" : "--time");
  for (const char* name : {"plan-network", "plan-ranks", "plan-compute"})
    if (!line.plan && line.given.contains(name)) usage("--", name, " has no effect without --plan");
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  std::vector<po::option> words = tokens(argc, argv);
  CommandLine line;
  for (const po::option& word : words) {
    line.help = line.help || word.string_key == "help";
    line.list_models = line.list_models || word.string_key == "list-models";
    line.check = line.check || word.string_key == "check";
    line.plan = line.plan || word.string_key == "plan";
  }
  if (line.help) return line;
  if (line.list_models && words.size() > 1)
    usage("--list-models expects no other options, found ", words.size() - 1);
  if (line.list_models) return line;

  std::erase_if(words, [](const po::option& word) {
    return word.string_key == "check" || word.string_key == "plan";
  });
  const Settings from_flags = settings_of(words);
  std::string file, recipe;  // these apply before the other options
  for (const Setting& setting : from_flags)
    if (setting.name == "config") file = setting.value;
  Settings from_file;
  if (!file.empty()) {
    try {
      from_file = parse_ini(read_text_file(file), file);
    } catch (const UsageError&) {
      throw;
    } catch (const Error& error) {
      usage("--config: ", error.what());
    }
  }
  // The file may be another run's config.ini.
  std::erase_if(from_file, [](const Setting& s) { return !option_named(s.name).is_flag; });
  for (const Settings* settings : std::initializer_list<const Settings*>{&from_file, &from_flags})
    for (const Setting& setting : *settings) {
      line.given.insert(setting.name);
      if (setting.name == "recipe") recipe = setting.value;
    }

  if (!recipe.empty()) apply_recipe(line.config, models::find_recipe(recipe));
  apply_settings(line.config, from_file);
  apply_settings(line.config, from_flags);
  check_modes(line);
  return line;
}

std::string help_text() {
  std::ostringstream stream;
  stream << kUsage << flags() << kExitCodes;
  return stream.str();
}

}  // namespace d2l::launcher
