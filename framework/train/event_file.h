#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "framework/train/record_file.h"

namespace d2l {

// Numbers of a run in the format of TensorBoard's event files: TFRecords of Event messages
// (tensorflow/core/util/event.proto). Each job writes a file of its own, which TensorBoard reads
// after those of earlier jobs.
class EventFile {
 public:
  using Values = std::vector<std::pair<std::string, double>>;  // by tag: "train/loss"

  struct Options {
    int64_t after_step = 0;  // the job begins after this step: TensorBoard drops later steps
    std::function<void(const std::string& message)> warn = [](const std::string&) {};
  };

  // Writes nothing yet: folder and file are made with the first values.
  EventFile(std::filesystem::path folder, Options options);

  // Appends the values of a step. They are lost if they cannot be written; `warn` is called once.
  void add(int64_t step, const Values& values);

 private:
  bool make_file();

  std::filesystem::path folder_;
  Options options_;
  std::optional<RecordFile> file_;
  std::string head_;  // the first records, until they are written
  bool warned_ = false;
};

}  // namespace d2l
