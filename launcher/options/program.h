#pragma once

#include <string>
#include <vector>

#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

enum class ProgressChoice { automatic, bar, lines, off };
template <>
const WordTable<ProgressChoice>& words_of();

struct ProgramConfig {
  ProgressChoice progress = ProgressChoice::automatic;
  std::string config_file;  // "": none

  bool operator==(const ProgramConfig&) const = default;
};

std::vector<Option> program_options();

}  // namespace d2l::launcher
