#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "launcher/report_tool/slowest_ranks.h"
#include "launcher/run_log.h"

namespace d2l::report_tool {

// Something that happened in a run.
struct Event {
  enum class Kind { start, resume, save, notice, warning, error, end };

  Kind kind = Kind::notice;
  int64_t step = 0;  // the last one before it
  std::string time;
  std::string text;
  bool is_superseded = false;  // its step was trained again after the run went back
};

std::string word_of(Event::Kind kind);

// What log.txt tells about a run.
struct History {
  struct Job {
    launcher::JobStart start;
    int64_t first_step = 0;            // the step after which it began
    int64_t began = 0, last_line = 0;  // seconds, see LogLine
    bool is_superseded = false;        // the run later went back to a step before its first one
  };

  std::vector<Job> jobs;
  std::vector<Event> events;
  SlowestRanks slowest_ranks;
  std::string epochs;   // "3/10": the last completed one and --epochs; "" before the first
  std::string end;      // how the last job ended; "" if the log does not say it
  int64_t damaged = 0;  // lines that are none of a log

  double seconds() const;  // of all jobs
  // The steps after which jobs began whose steps count.
  std::vector<int64_t> first_steps() const;
};

// Throws Error if the file cannot be read.
History read_history(const std::filesystem::path& log);

}  // namespace d2l::report_tool
