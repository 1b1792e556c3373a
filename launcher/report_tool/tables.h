#pragma once

#include <string>

#include "launcher/report_tool/run.h"

namespace d2l::report_tool {

// The tables of the page, as HTML.

// A row for each run: what was trained, on what, how far, how well and how fast.
std::string runs_table(const Runs& runs);
// The options that differ between the runs, or those of the only run that differ from the defaults.
std::string options_table(const Runs& runs);
// The folds of each cross-validation.
std::string folds_tables(const Runs& runs);
// What happened in each run, and the problems of its files.
std::string events_lists(const Runs& runs);

}  // namespace d2l::report_tool
