#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/options/option.h"
#include "launcher/options/wall_time.h"

namespace d2l::launcher {

struct Config;

struct RunConfig {
  std::string id;             // random, identifies the run; "": run of an old version
  std::string out;            // the run folder
  std::string resume;         // the run folder to resume; "auto": `out`, if it contains a run
  std::string also_save_to;   // the folder of the copies; "": none
  std::string from;           // the checkpoint to resume from: a step or a file; "": newest valid
  int64_t verify_resume = 0;  // steps that are repeated at least; 0: none
  int64_t save_every = 0;     // steps; 0: at the end of each epoch
  int64_t keep = 3;           // checkpoints
  int64_t eval_every = 0;     // steps; 0: at the end of each epoch
  int64_t log_every = 50;     // steps; 0: never
  bool tensorboard = false;   // writes event files
  std::string best;           // the metric that decides; "": the first
  std::string trace;          // the file; "": none
  WallTime max_time;          // 0: no limit

  bool operator==(const RunConfig&) const = default;
};

std::vector<Option> run_options();
void check_run_options(const Config& config, const Given& given);

}  // namespace d2l::launcher
