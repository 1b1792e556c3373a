#pragma once

#include <string>

#include "launcher/options/config.h"

namespace d2l::launcher {

struct CommandLine {
  Config config;
  bool help = false;         // then nothing else has been looked at
  bool list_models = false;  // the same
  Given given;               // options named on the command line or in the --config file
};

// Command line over --config file over recipe over defaults. Does not validate(). Throws
// UsageError, one line, for unknown flags, names of recipes and keys, missing values, words without
// a flag and values that do not parse.
CommandLine parse_command_line(int argc, const char* const* argv);

// What --help prints: the options in groups, without a usage line.
std::string help_text();

}  // namespace d2l::launcher
