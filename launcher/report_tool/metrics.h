#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "launcher/report_tool/curve.h"

namespace d2l::report_tool {

// What metrics.csv tells about a run.
struct Metrics {
  struct Column {
    std::string name;  // in metrics.csv
    Drawn drawn;
  };
  // A measure of the evaluations.
  struct Result {
    std::string name;  // "loss", "accuracy", ...
    double last = 0, best = 0;
    int64_t best_step = 0;
  };
  // Where the run was in its samples and its time, for curves over these. The first point is 0.
  struct Clock {
    std::vector<double> steps, samples, seconds;  // `seconds` without evaluating and saving
  };

  // The columns with values; the waits as percentages of the time.
  std::vector<Column> columns;
  std::vector<Result> results;
  Clock clock;
  int64_t lines = 0, damaged = 0;  // without the header
  int64_t not_finite = 0;          // values
  int64_t last_step = 0;
  double samples = 0;         // until the last line
  double examples_per_s = 0;  // over the whole run; 0: not known
  double last_loss = 0;       // of a training step; NaN: none

  const Column* column(const std::string& name) const;  // nullptr if there is none
  const Result* result(const std::string& name) const;
};

struct MetricsOptions {
  std::vector<int64_t> resumed_after = {};  // steps after which jobs began
  size_t most_points = 1000;                // of a curve
};

// Throws Error if the file cannot be read or is no metrics file.
Metrics read_metrics(const std::filesystem::path& path, const MetricsOptions& options);

// Whether a larger value of a measure is better; `name`: in metrics.csv, without "test_".
bool larger_is_better(const std::string& name);

}  // namespace d2l::report_tool
