#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data_tool {

using Words = std::vector<std::string>;
using OptionList = boost::program_options::options_description;
using OptionValues = boost::program_options::variables_map;

// An empty list of options, in the format of --help. `caption`: its heading there.
OptionList option_list(const std::string& caption = "Options");

// Parses words. `positional`: what words without an option are; nullptr: there are none. Throws
// UsageError.
OptionValues parse(const OptionList& options, const Words& words, const char* positional);

// Prints the usage, the options and the exit codes.
void print_help(const std::string& usage, const OptionList& options);

// A path that must be given; "~/" is expanded. Throws UsageError.
std::string required_path(const OptionValues& values, const std::string& option);
// The same for an option that may be missing: then "".
std::string optional_path(const OptionValues& values, const std::string& option);

// The paths without an option; at least one. Throws UsageError.
Words required_paths(const OptionValues& values, const std::string& command);

template <class Value>
Value value_or(const OptionValues& values, const std::string& option, Value otherwise) {
  return values.count(option) == 0 ? otherwise : values[option].as<Value>();
}

// Throws UsageError. `most` INT64_MAX: no upper limit.
void check_range(const std::string& option, int64_t value, int64_t least, int64_t most);
// One of the words. Throws UsageError.
void check_word(const std::string& option, const std::string& value, const Words& words);
std::optional<data::Split> split_option(const OptionValues& values);

// --seed, which has a default. Throws UsageError if it is negative.
uint64_t seed_option(const OptionValues& values);

// --threads: the given number, or else the cores that this process may use, divided by the number
// of processes on this host.
int threads_option(const OptionValues& values, int processes = 1);

}  // namespace d2l::data_tool
