#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/comm/activity.h"

namespace d2l {

// Finds the slowest of the ranks that train together: the one whose steps take the most time,
// without waiting for other ranks and with waiting for data. On a GPU, a step's time is that of
// queuing its work.
class SlowRanks {
 public:
  // A rank is clearly slower if its steps take so many times the median, and the difference is so
  // much of a whole step.
  static constexpr double kFactor = 1.5, kShare = 0.1;
  static constexpr int kInARow = 3;       // comparisons before the first warning
  static constexpr int kMoreInARow = 10;  // times as many before each further one
  static constexpr double kSeconds = 1;   // training between two comparisons, at least

  struct Found {
    // "slowest rank: 3 on node7, 45.2 ms per step, 12.1 ms of it waiting for data; median 30.1 ms"
    std::string note;
    std::string warning;  // about a rank that is clearly slower; "": none
  };

  explicit SlowRanks(std::vector<std::string> hosts) : hosts_(std::move(hosts)) {}

  // What the ranks have done since the last comparison. Nothing if that is too little. `ranks`: of
  // the whole job; those that do not train with rank 0 are left out.
  std::optional<Found> compare(const std::vector<RankProgress>& ranks);

 private:
  struct Times {
    int rank = 0;
    double step = 0, data = 0, whole = 0;  // seconds per step; `step` contains `data`
  };
  struct Streak {
    int length = 0, next_warning = kInARow;
  };

  std::vector<Times> times_since_last(const std::vector<RankProgress>& ranks) const;
  std::string name_of(int rank) const;
  bool is_to_be_told(int rank, bool is_slow);

  std::vector<std::string> hosts_;
  std::vector<RankProgress> last_;
  std::map<int, Streak> streaks_;
};

}  // namespace d2l
