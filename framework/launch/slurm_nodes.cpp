#include "framework/launch/slurm_nodes.h"

#include <poll.h>

#include "framework/base/error.h"
#include "framework/base/timer.h"
#include "framework/launch/child_process.h"
#include "framework/launch/environment.h"

namespace d2l::launch {

std::vector<std::string> nodes_of_slurm_job(const std::string& job) {
  constexpr double kForAnAnswer = 10;  // seconds
  try {
    ChildProcess process({"squeue", "--noheader", "--jobs=" + job, "--format=%N"});
    for (const Timer timer; timer.seconds() < kForAnAnswer;) {
      pollfd output{process.output().descriptor(), POLLIN, 0};
      ::poll(&output, 1, 100);
      for (const std::string& line : process.output().read_lines())
        if (!line.empty()) return expand_nodes(line);
      if (process.output().descriptor() < 0) break;
    }
  } catch (const Error&) {
    // no squeue, or an unknown list of nodes
  }
  return {};
}

}  // namespace d2l::launch
