#pragma once

#include <cstdint>

namespace d2l {

struct Position;
struct TrainerOptions;

// What something took so far.
struct Spent {
  double seconds = 0;
  int64_t times = 0;

  void add(double more) {
    seconds += more;
    ++times;
  }
  // Of so many more of them; 0 where none is known.
  double seconds_of(int64_t more) const {
    return times > 0 ? seconds / static_cast<double>(times) * static_cast<double>(more) : 0;
  }
};

// What a run that stands at some position still has to do. Samples count the same whatever the
// batch size, which may have changed on the way.
struct WorkLeft {
  double samples = 0;
  int64_t evaluations = 0;
  int64_t saves = 0;
  double done = 0;  // of all the run's samples, the part that it has seen; up to 1

  // What it will take at the pace so far.
  double seconds(double samples_per_second, const Spent& evaluating, const Spent& saving) const {
    return samples / samples_per_second + evaluating.seconds_of(evaluations) +
           saving.seconds_of(saves);
  }
};

// `samples` and `steps` are those of an epoch. Saves of what did best, which nobody foresees, are
// not counted.
WorkLeft work_left(const TrainerOptions& options, const Position& position, int64_t samples,
                   int64_t steps);

}  // namespace d2l
