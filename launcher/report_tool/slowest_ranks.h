#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace d2l::report_tool {

// What log.txt tells about slow ranks: every --log-every steps, which rank was the slowest
// (framework/train/slow_ranks.h).
class SlowestRanks {
 public:
  struct Entry {
    std::string rank;   // "3 on node7"
    int64_t times = 0;  // how often it was the slowest
    // Sums over those times, in milliseconds per step.
    double step = 0, data = 0, median = 0;
  };

  // False if the line of log.txt is another one.
  bool add(std::string_view message);

  int64_t comparisons() const { return comparisons_; }
  // The most frequent one first.
  std::vector<Entry> entries() const;

 private:
  std::vector<Entry> entries_;
  int64_t comparisons_ = 0;
};

}  // namespace d2l::report_tool
