#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "framework/train/event_file.h"
#include "framework/train/record_file.h"

namespace d2l {

// metrics.csv of a run: one line per logged step and per evaluation, written to the file at once.
// Columns without a value are empty; the last column identifies the run. A line that cannot be
// written completely (disk full) is dropped; `warn` is called for the first such line only.
// Training continues.
class MetricsFile {
 public:
  struct Row {
    int64_t step = 0;  // since the run began, over all its restarts
    int64_t epoch = 0;
    int64_t samples = 0;  // so far, over all ranks
    double loss = 0;
    double lr = 0;
    double examples_per_s = 0;
    double data_wait_s = 0;  // since the previous row
    double comm_wait_s = 0;
  };
  struct Evaluation {
    int64_t step = 0;
    int64_t epoch = 0;
    int64_t samples = 0;
    double loss = 0;              // on the test data
    std::vector<double> metrics;  // of the objective, on the test data
  };
  struct Options {
    std::vector<std::string> metrics = {"accuracy"};  // names
    std::string run = "";  // its identifier; empty for runs of old versions
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
    // Called before each line; throws Error if this process may no longer write.
    std::function<void()> check_held = [] {};
    EventFile* events = nullptr;  // gets the same numbers; nullptr: none
  };

  // The first line: "step,epoch,...,test_loss,test_accuracy,run".
  static std::string header(const std::vector<std::string>& metrics);

  // What remains of the file when its run continues after `step`: the header and the rows of steps
  // 1 to `step`, without lines that a crash left incomplete. Only the header if there is no file.
  // Does not change the file. Throws Error naming the path and the line if it is not a metrics file
  // or belongs to another run. Accepts a byte order mark and CR LF line ends, which other programs
  // may have added.
  static std::string kept(const std::filesystem::path& path, int64_t step, const Options& options);

  // Appends after `content`: the result of kept(), or the header for a new run. Throws Error naming
  // `path` if it cannot be written.
  MetricsFile(const std::filesystem::path& path, const std::string& content, Options options);

  void add(const Row& row);
  void add_evaluation(const Evaluation& evaluation);

 private:
  void write_line(const std::string& columns);

  Options options_;
  RecordFile file_;
};

}  // namespace d2l
