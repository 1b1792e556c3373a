#pragma once

#include <string>
#include <vector>

namespace d2l::launch {

// The nodes that a Slurm job has now: without those that have failed. Empty if Slurm does not
// answer within 10 seconds.
std::vector<std::string> nodes_of_slurm_job(const std::string& job);

}  // namespace d2l::launch
