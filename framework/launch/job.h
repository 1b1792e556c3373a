#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "framework/launch/hosts.h"
#include "framework/launch/start_command.h"

namespace d2l::launch {

// What is to be run, and how often.
struct Job {
  std::vector<std::string> program;  // with its arguments
  Starter starter = Starter::mpirun;
  std::string starter_path = "mpirun";
  std::string slurm_job = {};  // the Slurm job inside of which srun starts the ranks
  std::vector<Host> hosts;
  bool one_host = true;  // only this host, whatever its slots
  int ranks = 1;
  int min_ranks = 1;                        // the fewest after hosts are gone
  int max_restarts = 0;                     // without progress in between
  std::optional<int> cores_per_rank = {};   // 0: not bound; none: as bind_ranks() says
  std::vector<std::string> variables = {};  // names, for other hosts
  bool prefix = false;
  std::filesystem::path logs = {};  // "": none
  // Why the same command, started again, would not continue what it has done before; "": it does.
  std::string obstacle = {};
  // The number of steps that are saved. More of them are progress.
  std::function<int64_t()> saved_steps = [] { return int64_t{0}; };
};

// A start of the job on as many ranks as these hosts have slots, but at most job.ranks.
Start make_start(const Job& job, const std::vector<Host>& hosts);

}  // namespace d2l::launch
