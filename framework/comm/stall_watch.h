#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/comm/activity.h"

namespace d2l {

// A rank lives but does not get on, so that others wait for it.
struct Stall {
  int rank = 0;
  RankProgress progress = {};
  int waiting = 0;  // ranks that wait for it
  int others = 0;   // more ranks that do not get on; if all wait: that are as far as it

  // "rank 3 on node7 has been loading data for 7.3 s in step 120; 3 ranks wait for it; ...". If
  // the rank itself waits, all wait for each other, and none has started fewer collectives.
  std::string text(const std::string& host) const;
};

// Finds ranks that do not get on, from what all ranks are doing. Not thread-safe.
class StallWatch {
 public:
  // What is to be told.
  struct News {
    std::vector<std::string> warnings;  // a rank stalls, with growing pauses
    std::vector<std::string> notices;   // it goes on
    std::optional<Stall> lost;          // for longer than the timeout
  };

  // The shortest stall: so many seconds, for which a file system may hang, and usual steps.
  static constexpr double kSeconds = 5, kSteps = 2;

  // `shortest`: the shortest stall without steps, in seconds.
  explicit StallWatch(std::vector<std::string> hosts, double shortest = kSeconds)
      : hosts_(std::move(hosts)), shortest_(shortest), ranks_(hosts_.size()) {}

  void note(int rank, const RankProgress& progress) {
    ranks_[static_cast<size_t>(rank)] = progress;
  }
  const std::vector<RankProgress>& ranks() const { return ranks_; }

  // Ranks that train together stall if at least one of them does not get on and the others wait.
  // Never before each of them has done a step, while a rank evaluates or saves, and after the end.
  // `timeout`: seconds after which a rank is lost; 0: never.
  News judge(double now, double timeout);

 private:
  struct Episode {
    int rank = 0;
    bool is_of_all = false;              // all wait for each other
    double began = 0, next_warning = 0;  // `next_warning`: seconds since it began
  };

  std::vector<int> members(int first_rank) const;
  std::optional<Stall> find(const std::vector<int>& members) const;
  std::optional<Stall> find_all_waiting(const std::vector<int>& members, double shortest) const;
  double shortest_stall(const std::vector<int>& members) const;
  std::string end_text(const Episode& episode, double now) const;

  std::vector<std::string> hosts_;
  double shortest_;
  std::vector<RankProgress> ranks_;
  std::map<int, Episode> episodes_;  // by the first of the ranks that train together
};

}  // namespace d2l
