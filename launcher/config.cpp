#include "launcher/config.h"

#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "data/loader.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "models/recipes.h"
#include "models/zoo.h"

namespace d2l::launcher {
namespace {

namespace po = boost::program_options;

using Member = std::variant<std::string Config::*, int64_t Config::*, uint64_t Config::*,
                            int Config::*, double Config::*>;

struct Option {
  std::string group, name, value, help;  // `value` is what --help calls it
  Member member;
  int64_t least = 0;  // whole numbers only, both
  int64_t most = std::numeric_limits<int64_t>::max();
  bool stored = true;  // in to_ini()
};

const std::vector<Option>& options() {
  static const std::vector<Option> kTable = {
      {"Model and data", "model", "NAME", "the network to train", &Config::model},
      {"Model and data", "recipe", "NAME",
       "a model with the lr, batch-size, epochs, init, width and resize that suit it",
       &Config::recipe},
      {"Model and data", "init", "KIND",
       "initial weights: xavier or normal; without it the recipe's or the model's", &Config::init},
      {"Model and data", "width", "N", "divides the channels of models that can be made narrower",
       &Config::width, 1, 1024},
      {"Model and data", "data", "NAME", "the data set, or a folder of shards", &Config::data},
      {"Model and data", "data-dir", "DIR", "where the data set's files are", &Config::data_dir},
      {"Model and data", "resize", "N", "make images N x N, bilinearly; 0: leave them as they are",
       &Config::resize, 0, 4096},
      {"Training", "epochs", "N", "passes over the training data", &Config::epochs, 1},
      {"Training", "max-steps", "N", "stop after so many steps; 0: no limit", &Config::max_steps},
      {"Training", "batch-size", "N", "samples per step, over all ranks", &Config::batch_size, 1},
      {"Training", "lr", "X", "learning rate", &Config::lr},
      {"Training", "momentum", "X", "of stochastic gradient descent", &Config::momentum},
      {"Training", "weight-decay", "X", "pull of the weights towards 0", &Config::weight_decay},
      {"Training", "seed", "N", "of everything random", &Config::seed},
      {"Run folder", "out", "DIR", "where metrics, logs and checkpoints go", &Config::out, 0, 0,
       false},
      {"Run folder", "resume", "DIR", "go on with this run, from its newest valid checkpoint",
       &Config::resume, 0, 0, false},
      {"Run folder", "save-every", "N", "steps between checkpoints; 0: at the end of each epoch",
       &Config::save_every},
      {"Run folder", "keep", "N", "how many checkpoints stay", &Config::keep, 1, 1'000'000},
      {"Run folder", "eval-every", "N", "steps between evaluations; 0: at the end of each epoch",
       &Config::eval_every},
      {"Run folder", "log-every", "N", "steps between log lines; 0: none", &Config::log_every},
      {"Machine", "threads", "N", "threads per rank that compute; 0: chosen from the cores",
       &Config::threads, 0, 1024},
      {"Machine", "loader-threads", "N", "threads per rank that load data", &Config::loader_threads,
       1, data::Loader::kMostThreads},
      {"Other", "config", "FILE", "options as `name = value` lines; flags win over them",
       &Config::config, 0, 0, false},
  };
  return kTable;
}

template <class... Parts>
[[noreturn]] void usage(const Parts&... parts) {
  throw UsageError(concat(parts...));
}

const Option* find_option(const std::string& name) {
  for (const Option& option : options())
    if (option.name == name) return &option;
  return nullptr;
}

const Option& option_named(const std::string& name) { return *find_option(name); }

// ---------------------------------------------------------------------------- values as text

template <class Number>
std::string number_text(Number number) {
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  return std::string(buffer, end);
}

std::string text_of(const Config& config, const Option& option) {
  return std::visit(
      [&](auto member) -> std::string {
        if constexpr (std::is_same_v<decltype(member), std::string Config::*>)
          return config.*member;
        else
          return number_text(config.*member);
      },
      option.member);
}

// `label` is what errors call the option: "--lr" or "train.ini:3: lr".
template <class Number>
Number parse_number(const std::string& label, const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, number);
  if (result.ec == std::errc() && result.ptr == end) return number;
  const char* expected = std::is_floating_point_v<Number> ? "a number"
                         : std::is_unsigned_v<Number>     ? "a whole number of at least 0"
                                                          : "a whole number";
  if (result.ec == std::errc::result_out_of_range && result.ptr == end)
    usage(label, " expects ", expected, " of at most ", 8 * sizeof(Number), " bits, found ", text);
  usage(label, " expects ", expected, ", found '", text, "'");
}

void set(Config& config, const Option& option, const std::string& label, const std::string& text) {
  std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), std::string Config::*>)
          config.*member = text;
        else
          config.*member = parse_number<std::decay_t<decltype(config.*member)>>(label, text);
      },
      option.member);
}

void copy(Config& to, const Config& from, const Option& option) {
  std::visit([&](auto member) { to.*member = from.*member; }, option.member);
}

// ---------------------------------------------------------------------------- the config file

struct Setting {
  std::string name, label, value;
};
using Settings = std::vector<Setting>;

void apply_settings(Config& config, const Settings& settings) {
  for (const Setting& setting : settings)
    set(config, option_named(setting.name), setting.label, setting.value);
}

std::string trimmed(const std::string& text) {
  size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// Text that would not survive trimming and comments goes in quotes, with \", \\ and \n inside.
std::string quoted_if_need_be(const std::string& text) {
  if (trimmed(text) == text && text.find_first_of("#\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return quoted + '"';
}

// A '#' opens a comment at the start of a line and after a blank.
std::string without_comment(const std::string& line) {
  for (size_t i = 0; i < line.size(); ++i)
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
      return line.substr(0, i);
  return line;
}

std::string value_of(const std::string& text, const std::string& where) {
  if (text.empty() || text[0] != '"') return trimmed(without_comment(text));
  std::string value;
  size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    bool escaped = text[i] == '\\' && i + 1 < text.size();
    if (escaped) ++i;
    value += escaped && text[i] == 'n' ? '\n' : text[i];
  }
  if (i >= text.size()) usage(where, "expected a closing quote, found ", text);
  std::string rest = trimmed(text.substr(i + 1));
  if (!rest.empty() && rest[0] != '#')
    usage(where, "expected nothing after the closing quote, found '", rest, "'");
  return value;
}

Settings parse_ini(const std::string& text, const std::string& source) {
  std::vector<std::string> names;
  for (const Option& option : options())
    if (option.name != "config") names.push_back(option.name);
  Settings settings;
  std::map<std::string, int> seen;
  std::istringstream stream(text);
  std::string raw;
  for (int number = 1; std::getline(stream, raw); ++number) {
    std::string line = trimmed(raw), where = concat(source, ":", number, ": ");
    if (line.empty() || line[0] == '#') continue;
    size_t equals = line.find('=');
    if (equals == std::string::npos) usage(where, "expected 'name = value', found '", line, "'");
    std::string name = trimmed(line.substr(0, equals));
    if (name == "config") usage(where, "a config file cannot name another");
    if (find_option(name) == nullptr) usage(where, unknown_name("option", name, names));
    auto [first, is_new] = seen.emplace(name, number);
    if (!is_new) usage(where, name, " is already set on line ", first->second);
    settings.push_back({name, where + name, value_of(trimmed(line.substr(equals + 1)), where)});
  }
  return settings;
}

// ---------------------------------------------------------------------------- the command line

std::string default_note(const Option& option) {
  std::string text = text_of(Config(), option);
  return text.empty() ? "" : " (default " + text + ")";
}

po::options_description flags() {
  constexpr unsigned kColumns = 100;
  po::options_description all("", kColumns);
  std::vector<std::pair<std::string, po::options_description>> groups;
  for (const Option& option : options()) {
    if (groups.empty() || groups.back().first != option.group)
      groups.emplace_back(option.group, po::options_description(option.group, kColumns));
    groups.back().second.add_options()(option.name.c_str(),
                                       po::value<std::string>()->value_name(option.value),
                                       (option.help + default_note(option)).c_str());
  }
  groups.back().second.add_options()("help,h", "this text");
  for (const auto& group : groups) all.add(group.second);
  return all;
}

std::vector<std::string> flag_names() {
  std::vector<std::string> names;
  for (const Option& option : options()) names.push_back("--" + option.name);
  names.push_back("--help");
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
    throw UsageError(unknown_name("flag", flag.substr(0, flag.find('=')), flag_names()));
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
    settings.push_back({word.string_key, label, value});
  }
  return settings;
}

// ---------------------------------------------------------------------------- recipes

void apply_recipe(Config& config, const std::string& name) {
  if (name.empty()) return;
  const models::Recipe& recipe = models::find_recipe(name);
  config.recipe = recipe.name;
  config.model = recipe.model;
  config.lr = recipe.lr;
  config.batch_size = recipe.batch_size;
  config.epochs = recipe.epochs;
  config.init = recipe.init;
  config.width = recipe.width;
  config.resize = recipe.resize;
}

void check_range(const Config& config, const Option& option) {
  std::visit(
      [&](auto member) {
        if constexpr (std::is_integral_v<std::decay_t<decltype(config.*member)>>) {
          if (std::is_unsigned_v<std::decay_t<decltype(config.*member)>>) return;
          const auto value = static_cast<int64_t>(config.*member);
          if (value < option.least)
            usage("--", option.name, " expects a number of at least ", option.least, ", found ",
                  value);
          if (value > option.most)
            usage("--", option.name, " expects a number of at most ", option.most, ", found ",
                  value);
        }
      },
      option.member);
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  const std::vector<po::option> words = tokens(argc, argv);
  CommandLine line;
  for (const po::option& word : words) line.help = line.help || word.string_key == "help";
  if (line.help) return line;

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
  for (const Settings* settings : std::initializer_list<const Settings*>{&from_file, &from_flags})
    for (const Setting& setting : *settings) {
      line.given.insert(setting.name);
      if (setting.name == "recipe") named.recipe = setting.value;
    }

  apply_recipe(line.config, named.recipe);
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
      text += option.name + " = " + quoted_if_need_be(text_of(config, option)) + "\n";
  return text;
}

Config from_ini(const std::string& text, const std::string& source) {
  Config config;
  apply_settings(config, parse_ini(text, source));
  return config;
}

Config config_for_resume(const CommandLine& command_line, const std::string& stored_ini,
                         const std::string& source) {
  Config config = from_ini(stored_ini, source);
  if (command_line.given.count("recipe") && command_line.config.recipe != config.recipe)
    apply_recipe(config, command_line.config.recipe);
  for (const std::string& name : command_line.given)
    copy(config, command_line.config, option_named(name));
  return config;
}

void validate(const Config& config) {
  if (config.model.empty() && config.recipe.empty())
    usage("expected --model NAME or --recipe NAME, found neither");
  models::check_model_name(config.model);
  for (const Option& option : options()) check_range(config, option);
  if (!std::isfinite(config.lr) || config.lr <= 0)
    usage("--lr expects a finite number above 0, found ", config.lr);
  if (!(config.momentum >= 0 && config.momentum < 1))
    usage("--momentum expects a number from 0 to below 1, found ", config.momentum);
  if (!std::isfinite(config.weight_decay) || config.weight_decay < 0)
    usage("--weight-decay expects a finite number of at least 0, found ", config.weight_decay);
  if (config.data.empty()) usage("--data expects the name of a data set, found none");
  if (!config.init.empty() && config.init != "xavier" && config.init != "normal")
    usage("--init expects xavier or normal, found '", config.init, "'");
}

}  // namespace d2l::launcher
