#pragma once

#include <string>

#include "launcher/options/config.h"

namespace d2l::launcher {

struct CommandLine {
  Config config;
  bool help = false;         // then nothing else was parsed
  bool list_models = false;  // the same
  bool check = false;        // prints what the job would work with, and trains nothing
  bool plan = false;         // predicts memory, disk space and time, and trains nothing
  Given given;               // options set on the command line or in the --config file
};

// Parses the command line. It overrides the --config file, which overrides the recipe, which
// overrides the defaults. Does not validate(). Throws UsageError with one line for unknown flags,
// recipes and keys, missing values, words without a flag, and values that do not parse.
CommandLine parse_command_line(int argc, const char* const* argv);

// What --help prints: usage, examples, the options in groups and the exit codes.
std::string help_text();

}  // namespace d2l::launcher
