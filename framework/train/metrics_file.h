#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace d2l {

// metrics.csv of a run: a line per logged step and per evaluation, in the file as soon as it is
// added. Columns that a line does not have are empty. A line that cannot be written (a full disk)
// is left out whole and the first one told to `warn`: training is worth more than its record.
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
    double test_loss = 0;
    double test_accuracy = 0;  // 0 to 1
  };

  static constexpr const char* kHeader =
      "step,epoch,samples,loss,lr,examples_per_s,data_wait_s,comm_wait_s,test_loss,test_accuracy";

  // With resume_step 0 the file starts afresh. Otherwise the rows of steps 1 to resume_step stay
  // and the later ones go, with any line that a crash left torn. Throws Error naming `path` when it
  // cannot be written or is no metrics file.
  MetricsFile(const std::filesystem::path& path, int64_t resume_step,
              std::function<void(const std::string&)> warn);

  void add(const Row& row);
  void add_evaluation(const Evaluation& evaluation);

 private:
  void write_line(const std::string& line);

  std::filesystem::path path_;
  std::function<void(const std::string&)> warn_;
  std::ofstream stream_;
  uintmax_t bytes_ = 0;  // of whole lines
  bool warned_ = false;
};

}  // namespace d2l
