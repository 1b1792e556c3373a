#pragma once

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

// Prints the book's two lines about a finished run: loss and metrics; examples per second.
void print_report(const TrainerReport& report, const std::vector<Metric>& metrics,
                  const Machine& machine, Log& log);

// Prints the losses of the steps as a curve on stdout, if there are at least two.
void print_curve(const TrainerReport& report, const Terminal& terminal);

}  // namespace d2l::launcher
