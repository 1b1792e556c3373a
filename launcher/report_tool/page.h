#pragma once

#include <string>

#include "launcher/report_tool/run.h"

namespace d2l::report_tool {

// A page in HTML about the runs, which needs no other files and no network. `made`: when and by
// what it was made.
std::string page(const Runs& runs, const std::string& made);

}  // namespace d2l::report_tool
