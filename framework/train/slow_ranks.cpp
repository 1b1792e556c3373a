#include "framework/train/slow_ranks.h"

#include <algorithm>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l {
namespace {

std::string milliseconds(double seconds) { return fixed(1e3 * seconds, 1) + " ms"; }

}  // namespace

std::string SlowRanks::name_of(int rank) const {
  return concat(rank, " on ", hosts_[static_cast<size_t>(rank)]);
}

// Empty if a rank has done too little.
std::vector<SlowRanks::Times> SlowRanks::times_since_last(
    const std::vector<RankProgress>& ranks) const {
  std::vector<Times> found;
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i].first_rank != ranks[0].first_rank) continue;
    const RankProgress before = last_.empty() ? RankProgress{} : last_[i];
    const auto steps = static_cast<double>(ranks[i].steps - before.steps);
    const double whole = ranks[i].whole_seconds - before.whole_seconds;
    if (steps < 1 || whole < kSeconds) return {};
    const double data = ranks[i].data_seconds - before.data_seconds;
    found.push_back({.rank = static_cast<int>(i),
                     .step = (ranks[i].step_seconds - before.step_seconds + data) / steps,
                     .data = data / steps,
                     .whole = whole / steps});
  }
  return found;
}

std::optional<SlowRanks::Found> SlowRanks::compare(const std::vector<RankProgress>& ranks) {
  std::vector<Times> times = times_since_last(ranks);
  if (times.size() < 2) return std::nullopt;
  last_ = ranks;
  std::sort(times.begin(), times.end(),
            [](const Times& a, const Times& b) { return a.step < b.step; });
  const Times& slowest = times.back();
  // Of two ranks, the faster one: the slower one is compared with it.
  const double median = times[(times.size() - 1) / 2].step;
  const double difference = slowest.step - median;
  const bool is_slow = slowest.step >= kFactor * median && difference >= kShare * slowest.whole;
  const std::string text =
      concat(milliseconds(slowest.step), " per step, ", milliseconds(slowest.data),
             " of it waiting for data; median ", milliseconds(median));
  Found found{.note = concat("slowest rank: ", name_of(slowest.rank), ", ", text), .warning = ""};
  if (is_to_be_told(slowest.rank, is_slow))
    found.warning = concat("rank ", name_of(slowest.rank), " is slower than the others: ", text);
  return found;
}

// Ranks other than `rank` are not slow.
bool SlowRanks::is_to_be_told(int rank, bool is_slow) {
  for (auto& [other, streak] : streaks_)
    if (other != rank || !is_slow) streak.length = 0;
  if (!is_slow) return false;
  Streak& streak = streaks_[rank];
  if (++streak.length < streak.next_warning) return false;
  streak.next_warning *= kMoreInARow;
  return true;
}

}  // namespace d2l
