#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace d2l {

// metrics.csv of a run: a line per logged step and per evaluation, in the file as soon as it is
// added. Columns that a line does not have are empty; the last one names the run. A line that
// cannot be written (a full disk) is left out whole and the first one told to `warn`: training is
// worth more than its record.
class MetricsFile {
 public:
  struct Row {
    int64_t step = 0;  // steps done since the run began, over all its restarts
    int64_t epoch = 0;
    int64_t samples = 0;  // seen so far, over all ranks
    double loss = 0;
    double lr = 0;
    double examples_per_s = 0;
    double data_wait_s = 0;  // since the row before
    double comm_wait_s = 0;
  };
  struct Evaluation {
    int64_t step = 0;
    int64_t epoch = 0;
    int64_t samples = 0;
    double loss = 0;              // on the test data, as are
    std::vector<double> metrics;  // the objective's
  };
  struct Options {
    std::vector<std::string> metrics = {"accuracy"};  // names
    std::string run = "";  // its identifier; empty for runs of versions that had none
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
    // Called before each line; throws Error where nothing may be written any more.
    std::function<void()> check_held = [] {};
  };

  // "step,epoch,...,test_loss,test_accuracy,run", for such metrics.
  static std::string header(const std::vector<std::string>& metrics);

  // What stays of the file when its run goes on after `step`: the header and the rows of steps 1 to
  // `step`, without any line that a crash left torn. The header alone where there is no file.
  // Reads only. Throws Error naming the path and the line where it is no metrics file, or another
  // run's. A byte order mark and lines that end with CR LF, which other programs may have brought
  // in, are no harm.
  static std::string kept(const std::filesystem::path& path, int64_t step, const Options& options);

  // Goes on behind `content`, which is what kept() has answered, or the header for a new run.
  // Throws Error naming `path` when it cannot be written.
  MetricsFile(const std::filesystem::path& path, const std::string& content, Options options);
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  void add(const Row& row);
  void add_evaluation(const Evaluation& evaluation);

 private:
  void write_line(const std::string& columns);

  std::filesystem::path path_;
  Options options_;
  int descriptor_ = -1;
  int64_t bytes_ = 0;  // of whole lines
  bool warned_ = false;
};

}  // namespace d2l
