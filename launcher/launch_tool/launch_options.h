#pragma once

#include <optional>
#include <string>
#include <vector>

namespace d2l::launch_tool {

using Words = std::vector<std::string>;

// What the user of d2l-launch wants.
struct LaunchOptions {
  std::optional<int> ranks = {}, min_ranks = {}, max_restarts = {};
  std::string hosts, hostfile;             // "": none
  std::optional<int> cores_per_rank = {};  // 0: not bound; none: automatic
  std::string logs;                        // "": none
  bool prefix = false;
  bool dry_run = false;
  Words program;  // the words after "--"
};

// Parses the command line without the program's name; nothing if it asks for help. Throws
// UsageError.
std::optional<LaunchOptions> parse_options(const Words& words);

// What --help prints.
std::string launch_help();

}  // namespace d2l::launch_tool
