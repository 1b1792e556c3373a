#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace d2l {

// How this process was started, read from its environment before MPI starts.
struct LaunchEnvironment {
  bool under_mpi = false;  // by a launcher that this MPI supports: mpirun, or srun --mpi=pmix
  bool one_host = false;   // all ranks share one host
  bool is_reporting_rank = true;  // rank 0 or the only one: prints what concerns all ranks
  int unconnected_tasks = 0;  // of a launcher that this MPI does not support; 0 if there are none

  // Returns a variable's value, or nullptr.
  using Lookup = std::function<const char*(const char*)>;
  static LaunchEnvironment read(const Lookup& lookup);

  // Variables to set before MPI_Init, except those that are set already.
  std::vector<std::pair<std::string, std::string>> settings() const;

  // The error message for unconnected tasks.
  std::string unconnected_message() const;
};

// Variables that programs of a package unpacked at `root` must set before MPI_Init, replacing their
// values: otherwise Open MPI would look for its plugins where it was installed when the package was
// built (docs/package.md). Empty if there is no package at `root`.
std::vector<std::pair<std::string, std::string>> package_settings(
    const std::filesystem::path& root);

}  // namespace d2l
