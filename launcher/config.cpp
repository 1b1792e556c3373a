#include "launcher/config.h"

#include <boost/program_options.hpp>
#include <sstream>
#include <utility>

#include "framework/base/files.h"
#include "framework/base/path_text.h"
#include "framework/base/text.h"
#include "launcher/ini.h"
#include "launcher/options.h"

namespace d2l::launcher {
namespace {

namespace po = boost::program_options;

void apply_settings(Config& config, const Settings& settings) {
  for (const Setting& setting : settings)
    set(config, option_named(setting.name), setting.label, setting.value);
}

std::string default_note(const Option& option) {
  std::string text = text_of(Config(), option);
  return text.empty() ? "" : " (default " + text + ")";
}

po::options_description flags() {
  constexpr unsigned kColumns = 100;
  po::options_description all("", kColumns);
  std::vector<std::pair<std::string, po::options_description>> groups;
  for (const Option& option : options()) {
    if (!option.is_flag) continue;
    if (groups.empty() || groups.back().first != option.group)
      groups.emplace_back(option.group, po::options_description(option.group, kColumns));
    groups.back().second.add_options()(option.name.c_str(),
                                       po::value<std::string>()->value_name(option.value),
                                       (option.help + default_note(option)).c_str());
  }
  groups.front().second.add_options()("list-models", "all networks: size, work, usual input");
  groups.back().second.add_options()("help,h", "this text");
  for (const auto& group : groups) all.add(group.second);
  return all;
}

std::vector<std::string> flag_names() {
  std::vector<std::string> names;
  for (const Option& option : options())
    if (option.is_flag) names.push_back("--" + option.name);
  names.insert(names.end(), {"--list-models", "--help"});
  return names;
}

// Boost says no more than that a value is missing or stands where none belongs.
[[noreturn]] void fail_syntax(const po::invalid_command_line_syntax& error) {
  std::string flag = error.get_option_name();
  if (error.kind() == po::invalid_syntax::extra_parameter) usage(flag, " takes no value");
  const Option* option = find_option(flag.substr(flag.find_first_not_of('-')));
  usage(flag, " expects a value", option ? " (" + option->value + ")" : "", ", found none");
}

std::vector<po::option> tokens(int argc, const char* const* argv) {
  const po::options_description known = flags();
  const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
  try {
    return po::command_line_parser(argc, argv).options(known).style(style).run().options;
  } catch (const po::unknown_option& error) {
    std::string flag = error.get_option_name();
    throw UsageError(
        unknown_name("flag", flag.substr(0, flag.find('=')), flag_names(), "d2l-train --help"));
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
      usage("unexpected word '", join(word.value, " "), "'; every value follows its --flag");
    std::string label = "--" + word.string_key, value = word.value.at(0);
    // Boost takes the next word for the value, whatever it is.
    if (value.starts_with("--")) usage(label, " expects a value, found the flag '", value, "'");
    // An empty shell variable, most of the time. Only what is frozen may be taken back.
    if (value.empty() && word.string_key != "freeze") usage(label, " expects a value, found none");
    // The shell has expanded `--out ~/x`, but not `--out=~/x`.
    if (option_named(word.string_key).is_path) value = expand_home(label, value);
    settings.push_back({word.string_key, label, value});
  }
  return settings;
}

void apply_recipe_named(Config& config, const std::string& name) {
  if (!name.empty()) apply_recipe(config, models::find_recipe(name));
}

}  // namespace

void apply_recipe(Config& config, const models::Recipe& recipe) {
  config.recipe = recipe.name;
  config.model = recipe.name;
  config.lr = recipe.lr;
  config.batch_size = recipe.batch_size;
  config.epochs = recipe.epochs;
  config.init = recipe.init;
  config.resize = recipe.resize;
  config.width = recipe.width;
  for (const auto& [name, value] : recipe.options) {
    const std::string where = concat("recipe ", recipe.name, ": ");
    const Option* option = find_option(name);
    if (option == nullptr || !option->stored) usage(where, "no option '", name, "'");
    set(config, *option, where + name, value);
  }
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  const std::vector<po::option> words = tokens(argc, argv);
  CommandLine line;
  for (const po::option& word : words) {
    line.help = line.help || word.string_key == "help";
    line.list_models = line.list_models || word.string_key == "list-models";
  }
  if (line.help) return line;
  if (line.list_models && words.size() > 1)
    usage("--list-models stands alone, found ", words.size() - 1, " more");
  if (line.list_models) return line;

  const Settings from_flags = settings_of(words);
  Config named;  // only what must be known before the rest: the file and the recipe
  for (const Setting& setting : from_flags)
    if (setting.name == "config") named.config = setting.value;
  Settings from_file;
  if (!named.config.empty()) {
    try {
      from_file = parse_ini(read_text_file(named.config), named.config);
    } catch (const UsageError&) {
      throw;
    } catch (const Error& error) {
      usage("--config: ", error.what());
    }
  }
  // A run's config.ini may be the file of another run.
  std::erase_if(from_file, [](const Setting& s) { return !option_named(s.name).is_flag; });
  for (const Settings* settings : std::initializer_list<const Settings*>{&from_file, &from_flags})
    for (const Setting& setting : *settings) {
      line.given.insert(setting.name);
      if (setting.name == "recipe") named.recipe = setting.value;
    }

  apply_recipe_named(line.config, named.recipe);
  apply_settings(line.config, from_file);
  apply_settings(line.config, from_flags);
  return line;
}

std::string help_text() {
  std::ostringstream stream;
  stream << flags();
  std::string text = stream.str();
  return text.substr(text.find_first_not_of('\n'));
}

std::string to_ini(const Config& config) {
  std::string text;
  for (const Option& option : options())
    if (option.stored)
      text += option.name + " = " + ini_value(option, text_of(config, option)) + "\n";
  return text;
}

Config from_ini(const std::string& text, const std::string& source) {
  Config config;
  apply_settings(config, parse_ini(text, source));
  return config;
}

DType activation_type(const Config& config) {
  if (config.precision == "fp16") return DType::f16;
  return config.precision == "bf16" ? DType::bf16 : DType::f32;
}

Config config_for_resume(const CommandLine& command_line, const std::string& stored_ini,
                         const std::string& source) {
  Config config = from_ini(stored_ini, source);
  if (command_line.given.count("recipe") && command_line.config.recipe != config.recipe)
    apply_recipe_named(config, command_line.config.recipe);
  for (const std::string& name : command_line.given)
    copy(config, command_line.config, option_named(name));
  // how GPUs reached each other says nothing of a run that goes on without them
  if (config.device == "cpu" && !command_line.given.count("comm")) config.comm = Config().comm;
  return config;
}

}  // namespace d2l::launcher
