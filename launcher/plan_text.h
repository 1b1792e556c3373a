#pragma once

#include <string>
#include <vector>

#include "launcher/planned_run.h"

namespace d2l::launcher {

// What the text of a plan says besides its numbers.
struct PlanWords {
  bool on_gpu = false;
  bool is_network_given = false;
  std::vector<int> ranks = {};  // of the table
};

// The plan in lines and tables.
std::string plan_text(const PlannedRun& run, const PlanWords& words);

}  // namespace d2l::launcher
