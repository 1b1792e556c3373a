#pragma once

#include <string>
#include <vector>

#include "launcher/report_tool/run.h"

namespace d2l::report_tool {

// A diagram of one or more curves over the steps.
struct Chart {
  struct Line {
    size_t run = 0;  // its place in Runs
    std::string label;
    const Drawn* curve = nullptr;
    bool has_dots = false;  // few points, far apart
  };

  std::string title, note = {};
  std::vector<Line> lines = {};
};

// The diagrams for these runs, whose curves they point to: losses, metrics, rates.
std::vector<Chart> charts_of(const Runs& runs);

// The diagrams as HTML: each has its title, an empty place for the drawing, and a table.
std::string charts_html(const std::vector<Chart>& charts);

// What page.js draws: the curves, and the events of the runs.
std::string charts_json(const Runs& runs, const std::vector<Chart>& charts);

}  // namespace d2l::report_tool
