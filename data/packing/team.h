#pragma once

#include <functional>
#include <string>
#include <vector>

namespace d2l::data {

// The processes that pack together. Each of them calls the same functions in the same order.
struct PackTeam {
  int rank = 0;
  int size = 1;
  // Returns the texts of all processes in the order of their ranks; every process calls it.
  std::function<std::vector<std::string>(const std::string& mine)> gather =
      [](const std::string& mine) { return std::vector<std::string>{mine}; };
};

// Runs `action` on every process and returns all results in the order of ranks. If it throws on any
// process, all of them throw JobError with the message of the lowest such rank; messages of
// StoppedError count only if there are no others. `action` must not wait for other processes.
std::vector<std::string> on_all(const PackTeam& team, const std::function<std::string()>& action);

// Runs `action` on rank 0 only and returns its result on every process.
std::string on_first(const PackTeam& team, const std::function<std::string()>& action);

}  // namespace d2l::data
