#pragma once

#include <string>
#include <vector>

#include "framework/base/log.h"
#include "framework/base/terminal.h"
#include "framework/train/objective.h"
#include "framework/train/progress.h"
#include "framework/train/trainer.h"
#include "launcher/devices.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// The form of progress that --progress selects for this terminal.
Progress::Form progress_form(const Config& config, const Terminal& terminal);

// The result of a finished run, with the training loss first: "loss 0.541, train acc 0.794, test
// acc 0.710"; at the end "no test data" if there are none.
std::string result_text(const TrainerReport& report, const std::vector<Metric>& metrics);

// "best test rmse 0.123 (smaller is better), after step 240"
std::string best_text(const Position::Best& best);

// Prints the book's two lines about a finished run, its result and the examples per second; between
// them the best evaluation.
void print_report(const TrainerReport& report, const std::vector<Metric>& metrics,
                  const Machine& machine, Log& log);

// Prints the losses of the steps as a curve on stdout, if there are at least two.
void print_curve(const TrainerReport& report, const Terminal& terminal);

}  // namespace d2l::launcher
