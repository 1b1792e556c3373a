#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace d2l::launcher {

// A line of a run's log.txt (framework/base/log.h): "2026-11-29 04:05:52 message".
struct LogLine {
  int64_t seconds = 0;  // of the time stamp; differences are durations
  std::string_view time, message;
};

// Calls `use` for each line with a time stamp, in order. Returns the number of other lines. Throws
// Error if the file cannot be read.
int64_t read_log(const std::filesystem::path& path, const std::function<void(const LogLine&)>& use);

// What a job logs first about itself (description() in setup.h).
struct JobStart {
  std::string model;
  std::string parameters;  // "61,706 parameters"
  std::string data;        // "fashion-mnist"
  std::string samples;     // "10,000 + 2,000 samples"
  int64_t ranks = 0;       // 0: not known
  std::string comm;        // "MPI, 2 ranks on 1 host"
  std::string threads;     // "1 thread (2 cores for 2 ranks)"
  std::string device;      // "CPU, AVX-512, oneDNN 2.6.3"
};

// Nothing if the message is another one.
std::optional<JobStart> job_start(std::string_view message);

}  // namespace d2l::launcher
