#pragma once

#include <cstdint>
#include <vector>

namespace d2l::data {

enum class LastBatch {
  keep,  // may be smaller than the others
  drop,  // left out when it would be: the samples in it are other ones in each epoch
};

enum class Order {
  shuffled,    // another permutation in every epoch: training
  sequential,  // 0, 1, 2, ...: evaluation
};

// Which samples belong to which step of which epoch on which rank. A pure function of its options:
// the ranks' parts of a step, put together in rank order, are the same for every number of ranks.
class Sampler {
 public:
  struct Options {
    int64_t samples = 0;
    int64_t global_batch = 1;
    uint64_t seed = 0;
    Order order = Order::shuffled;
    LastBatch last_batch = LastBatch::keep;
    int rank = 0;
    int ranks = 1;
  };

  // A part of an epoch's order: positions [begin, end), which may be empty.
  struct Part {
    int64_t begin = 0;
    int64_t end = 0;
    int64_t global_size = 0;      // samples of all ranks in this step
    int64_t first_in_global = 0;  // how many of them belong to lower ranks
  };

  // Throws Error unless samples, global_batch and ranks are positive and rank is in [0, ranks), and
  // where no batch is left.
  explicit Sampler(const Options& options);

  // samples / global_batch, rounded up, or down where the last batch is dropped.
  int64_t steps_per_epoch() const;
  // How many samples an epoch's steps have, of all ranks.
  int64_t samples_per_epoch() const;
  // Every index of [0, samples) once, the same on all ranks.
  std::vector<int64_t> order(int64_t epoch) const;
  // This rank's part of step `step`, in [0, steps_per_epoch()).
  Part part(int64_t step) const;

  const Options& options() const { return options_; }

 private:
  Options options_;
};

// Part `part` of `size` things cut into `parts` contiguous pieces whose sizes differ by at most 1,
// larger ones first: where it begins. share_begin(256, 3, 1) == 86; part == parts answers size.
int64_t share_begin(int64_t size, int64_t parts, int64_t part);

}  // namespace d2l::data
