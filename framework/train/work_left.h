#pragma once

#include <cstdint>

namespace d2l {

struct Position;
struct TrainerOptions;

// Time spent on one kind of work so far.
struct Spent {
  double seconds = 0;
  int64_t times = 0;

  void add(double more) {
    seconds += more;
    ++times;
  }
  // Estimate for `more` repetitions; 0 if there was none so far.
  double seconds_of(int64_t more) const {
    return times > 0 ? seconds / static_cast<double>(times) * static_cast<double>(more) : 0;
  }
};

// The remaining work of a run. Work is counted in samples, since the batch size may have changed
// during the run.
struct WorkLeft {
  double samples = 0;
  int64_t evaluations = 0;
  int64_t saves = 0;
  double done = 0;  // fraction of the run's samples seen, up to 1

  // The estimated remaining time.
  double seconds(double samples_per_second, const Spent& evaluating, const Spent& saving) const {
    return samples / samples_per_second + evaluating.seconds_of(evaluations) +
           saving.seconds_of(saves);
  }
};

// `samples` and `steps`: per epoch. Saves of a new best state are not counted: they cannot be
// predicted.
WorkLeft work_left(const TrainerOptions& options, const Position& position, int64_t samples,
                   int64_t steps);

}  // namespace d2l
