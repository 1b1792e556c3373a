#pragma once

#include <string>
#include <vector>

#include "framework/base/last_words.h"
#include "framework/comm/mpi_session.h"
#include "framework/train/trainer.h"
#include "launcher/devices.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// What a run works with.
struct RunParts {
  const Machine& machine;  // its communicator joins the ranks of `group`
  const RankGroup& group;  // the ranks that train together: all of the job or a part
  MpiSession& session;     // ends the whole job
  LastWords& last_words;
  std::string name = {};  // of a run among several: "fold 2: ", precedes its lines on the terminal
  bool has_terminal = true;  // no other run of this job prints at the same time
};

struct RunResult {
  TrainerReport report;
  std::vector<Metric> metrics;  // of the report's numbers
  Metric deciding;              // of report.best
  int64_t train_samples = 0, test_samples = 0;
  int64_t step = 0;      // the last one of the run
  bool stopped = false;  // before its end
};

// Trains a new run to its end, or continues one: writes its run folder and prints what happens. All
// ranks of the group make this call. `config` must come from checked_config().
RunResult train_run(Config config, const RunParts& parts);

}  // namespace d2l::launcher
