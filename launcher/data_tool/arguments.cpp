#include "launcher/data_tool/arguments.h"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "framework/base/affinity.h"
#include "framework/base/cpu_quota.h"
#include "framework/base/error.h"
#include "framework/base/path_text.h"
#include "framework/base/text.h"

namespace d2l::data_tool {

namespace po = boost::program_options;

namespace {

constexpr unsigned kColumns = 100, kMeaningColumns = 75;  // of --help
constexpr int kMostThreads = 256;

Words flag_names(const OptionList& options) {
  Words names;
  for (const auto& option : options.options()) names.push_back("--" + option->long_name());
  return names;
}

// "--shards: expected a number, found 'two'". All values that can be invalid are numbers.
std::string invalid_text(const po::validation_error& error) {
  std::string text = error.what();
  const size_t begin = text.find("('"), end = text.find("')");
  if (begin == std::string::npos || end == std::string::npos) return text;
  return concat(error.get_option_name(), ": expected a number, found ",
                text.substr(begin + 1, end - begin));
}

}  // namespace

OptionList option_list(const std::string& caption) { return {caption, kColumns, kMeaningColumns}; }

OptionValues parse(const OptionList& options, const Words& words, const char* positional) {
  po::positional_options_description places;
  OptionList all;
  all.add(options);
  if (positional != nullptr) {
    places.add(positional, -1);
    all.add_options()(positional, po::value<Words>());
  }
  OptionValues values;
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
  } catch (const po::validation_error& error) {
    throw UsageError(invalid_text(error));
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  return values;
}

void print_help(const std::string& usage, const OptionList& options) {
  std::cout << usage << options
            << "\nExit codes: 0 success, 1 failure, for example a damaged shard, 2 wrong usage.\n";
}

std::string required_path(const OptionValues& values, const std::string& option) {
  if (values.count(option) == 0) throw UsageError("--" + option + " is missing");
  std::string path = optional_path(values, option);
  if (path.empty()) throw UsageError("--" + option + ": expected a path, found none");
  return path;
}

std::string optional_path(const OptionValues& values, const std::string& option) {
  return values.count(option) == 0 ? std::string()
                                   : expand_home("--" + option, values[option].as<std::string>());
}

Words required_paths(const OptionValues& values, const std::string& command) {
  if (values.count("path") == 0) throw UsageError(command + ": a path is missing");
  return values["path"].as<Words>();
}

void check_range(const std::string& option, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return;
  const std::string range =
      most == INT64_MAX ? concat("at least ", least) : concat(least, " to ", most);
  throw UsageError(concat("--", option, ": expected ", range, ", found ", value));
}

uint64_t seed_option(const OptionValues& values) {
  const int64_t seed = values["seed"].as<int64_t>();
  check_range("seed", seed, 0, INT64_MAX);
  return static_cast<uint64_t>(seed);
}

void check_word(const std::string& option, const std::string& value, const Words& words) {
  if (std::find(words.begin(), words.end(), value) == words.end())
    throw UsageError(unknown_name(option, value, words));
}

std::optional<data::Split> split_option(const OptionValues& values) {
  if (values.count("split") == 0) return std::nullopt;
  const std::string text = values["split"].as<std::string>();
  check_word("split", text, {"train", "test"});
  return data::split_from(text);
}

int threads_option(const OptionValues& values, int processes) {
  if (values.count("threads") != 0) {
    const int threads = values["threads"].as<int>();
    check_range("threads", threads, 1, kMostThreads);
    return threads;
  }
  double cores = count_cores(available_cores());
  for (const CpuQuota& quota : cpu_quotas()) cores = std::min(cores, quota.cores);
  return std::clamp(static_cast<int>(std::ceil(cores)) / processes, 1, kMostThreads);
}

}  // namespace d2l::data_tool
