#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "launcher/options/config.h"
#include "launcher/report_tool/history.h"
#include "launcher/report_tool/metrics.h"

namespace d2l::report_tool {

// What the files of a run folder tell. A file that is missing or damaged leaves a problem.
struct Run {
  std::filesystem::path path;
  std::string name;  // on the page: unique, and short
  std::optional<launcher::Config> config;
  Metrics metrics;
  History history;
  bool has_lock = false;              // a job may use it now
  std::vector<std::string> problems;  // one line each

  // The measure that decides which checkpoint is the best; nullptr: no evaluation.
  const Metrics::Result* deciding() const;
  std::string end() const;  // how it ended
};

// kfold.csv of a cross-validation.
struct FoldsTable {
  std::string name;                            // of its folder
  std::vector<std::vector<std::string>> rows;  // with the header
};

struct Runs {
  std::vector<Run> runs;
  std::vector<FoldsTable> folds;
};

// Reads run folders, in this order. The folder of a cross-validation stands for its folds. `tell`:
// called for each path that is left out because it is no run folder. Throws Error if a path does
// not exist, and if no run remains.
Runs read_runs(const std::vector<std::string>& paths,
               const std::function<void(const std::string& message)>& tell);

}  // namespace d2l::report_tool
