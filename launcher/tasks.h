#pragma once

#include <string>
#include <vector>

#include "launcher/command_line.h"

namespace d2l::launcher {

// The names for --task: experiments of the book other than training a network on a dataset. They
// generate their own data and print their results; they write no files.
std::vector<std::string> task_names();

// Runs line.config.program.task and returns the text to print. Throws UsageError for an unknown
// name and for options on the command line that the task does not have.
std::string run_task(const CommandLine& line);

}  // namespace d2l::launcher
