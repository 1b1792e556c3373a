#pragma once

#include <set>
#include <string>
#include <vector>

#include "framework/launch/job.h"
#include "framework/launch/rank_run.h"

namespace d2l::launch {

// Exit codes of programs and of d2l-launch, besides kStoppedEarly.
inline constexpr int kFailed = 1, kWrongUsage = 2;

// Starts the ranks of a job, and starts them again if they fail: on the hosts that answer, until
// the job has finished, must not be started again, or has failed job.max_restarts times in a row
// without having saved more steps. Prints what it does on standard error.
class Supervisor {
 public:
  explicit Supervisor(const Job& job);

  // Returns the exit code: that of the ranks; kStoppedEarly if the ranks were asked to stop and the
  // job can continue; 128 + signal if they were told to stop now.
  int run();

 private:
  // What follows after an end of the ranks.
  struct Decision {
    bool start_again = false;
    int code = 0;
    std::string text = {};  // the reason; "": nothing to report
    int pause = 0;          // seconds before the start
  };

  RankEnd run_once();
  std::vector<Host> hosts_that_answer();
  std::vector<Host> nodes_of_slurm();
  std::vector<Host> hosts_of_mpirun();
  std::vector<Host> usable_hosts(const std::string& failed);
  Decision decide(const RankEnd& end);
  // Notes a signal that asks to stop. Returns whether there has been one.
  bool is_asked_to_stop();
  Decision decide_after_failure(const RankEnd& end, const std::string& what);
  int code_of_stop(int code) const;

  const Job& job_;
  std::string mark_;
  std::set<std::string> mpi_jobs_;
  SignalQueue signals_;
  StopRequest stop_;
  std::vector<Host> hosts_;   // usable ones
  int restarts_ = 0;          // in a row without progress
  int64_t saved_before_ = 0;  // steps, before the last start
};

}  // namespace d2l::launch
