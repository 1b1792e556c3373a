#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "framework/launch/placement.h"

namespace d2l::launch {

// The program that starts the ranks.
enum class Starter { mpirun, srun };

// What a starter's output looks like.
enum class OutputForm {
  plain,     // the lines of the ranks as they are
  tagged,    // mpirun --tag-output: "[1,RANK]<stdout>:" before each piece of a rank's output
  labelled,  // srun --label: "RANK: " before each line
};

// One start of a job.
struct Start {
  Starter starter = Starter::mpirun;
  std::string path = "mpirun";  // of the starter
  std::vector<HostRanks> placement;
  bool one_host = true;  // this one
  Binding binding;
  bool more_ranks_than_cores = false;
  // Whether mpirun tells which rank has printed a line. Open MPI 4.1 then loses text if a rank
  // prints many lines of a few characters at once. srun always tells it.
  bool tagged = false;
  std::filesystem::path logs = {};  // mpirun also writes the ranks' output to files there; "": no
  std::vector<std::string> variables;  // names; mpirun passes them to other hosts
  std::vector<std::string> program;    // with its arguments
};

OutputForm output_form(const Start& start);

// The command line. Its output is for OutputReader.
std::vector<std::string> start_command(const Start& start);

// The command as a line that a shell understands.
std::string shell_line(const std::vector<std::string>& command);

}  // namespace d2l::launch
