#pragma once

#include <string>
#include <vector>

#include "launcher/command_line.h"

namespace d2l::launcher {

// What --task names: experiments of the book that are no training of a network on a data set. They
// make their own data and print what they find; nothing is written.
std::vector<std::string> task_names();

// Runs line.config.task and answers what to print. Throws UsageError for an unknown name and for
// options on the command line that it does not know.
std::string run_task(const CommandLine& line);

}  // namespace d2l::launcher
