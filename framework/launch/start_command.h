#pragma once

#include <string>
#include <vector>

#include "framework/launch/placement.h"

namespace d2l::launch {

// The program that starts the ranks.
enum class Starter { mpirun, srun };

// One start of a job.
struct Start {
  Starter starter = Starter::mpirun;
  std::string path = "mpirun";  // of the starter
  std::vector<HostRanks> placement;
  bool one_host = true;  // this one
  Binding binding;
  bool more_ranks_than_cores = false;
  std::vector<std::string> variables;  // names; mpirun passes them to other hosts
  std::vector<std::string> program;    // with its arguments
};

// The command line. Its output is for OutputReader.
std::vector<std::string> start_command(const Start& start);

// The command as a line that a shell understands.
std::string shell_line(const std::vector<std::string>& command);

}  // namespace d2l::launch
