#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "framework/optim/schedule.h"
#include "framework/train/training_step.h"

namespace d2l {

struct TrainerOptions {
  int64_t epochs = 10;
  int64_t max_steps = 0;   // 0: no limit
  int64_t save_every = 0;  // steps; 0: at the end of each epoch
  int64_t eval_every = 0;  // steps; 0: at the end of each epoch
  std::string best = "";   // the metric that decides, see deciding_metric()
  int64_t patience = 0;    // evaluations in a row that may be no improvement; 0: any number
  int64_t log_every = 50;
  int64_t unfreeze_after = 0;  // steps, see Schedule::at(); 0: frozen parameters stay frozen
  Schedule schedule = {};
  double ema = 0;  // decay of averaged weights, used in evaluations; 0: none
  StepOptions step = {};
  std::map<std::string, std::string> texts = {};  // stored in the checkpoints beside the state
};

}  // namespace d2l
