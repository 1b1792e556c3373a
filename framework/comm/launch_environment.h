#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace d2l {

// How this process was started, as its environment tells before MPI does.
struct LaunchEnvironment {
  bool under_mpi = false;  // a launcher that this MPI understands: mpirun, or srun --mpi=pmix
  bool one_host = false;   // all ranks share one host
  bool speaks = true;      // rank 0, or alone: says what concerns all before MPI is up
  int lonely_tasks = 0;    // tasks started by a launcher that this MPI cannot talk to, if above 1

  // Answers a variable's value, or nullptr.
  using Lookup = std::function<const char*(const char*)>;
  static LaunchEnvironment read(const Lookup& lookup);

  // What to set before MPI_Init, unless it is set already.
  std::vector<std::pair<std::string, std::string>> settings() const;

  // What to tell somebody whose tasks do not know of each other.
  std::string lonely_message() const;
};

// What to set before MPI_Init, whatever is set, in programs of the package that lies at `root`:
// Open MPI looks for its plugins where it was installed (docs/package.md). Empty for other
// programs.
std::vector<std::pair<std::string, std::string>> package_settings(
    const std::filesystem::path& root);

}  // namespace d2l
