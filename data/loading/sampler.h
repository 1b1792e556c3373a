#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/loading/block_order.h"
#include "framework/tensor/batch.h"

namespace d2l::data {

enum class LastBatch {
  keep,  // it may be smaller than the others
  drop,  // skipped if it is smaller; its samples differ in each epoch
};

enum class Order {
  shuffled,    // another permutation in every epoch: training
  blocks,      // the same, but blocks of neighbouring samples stay together: see BlockOrder
  sequential,  // 0, 1, 2, ...: evaluation
};

// Determines the samples of each step, epoch and rank. A pure function of its options. The ranks'
// parts of a step, concatenated in rank order, are the same for any number of ranks.
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
    // A batch is cut into so many slices, of which each rank gets equally many; 0: one for each
    // rank. With the same slices, the parts of 2 ranks are halves of the part of 1 rank.
    int64_t slices = 0;
    // Of Order::blocks: the blocks' first samples, in ascending order from 0, and the number of
    // blocks whose samples are mixed at a time.
    std::vector<int64_t> blocks = {0};
    int64_t window = kDefaultWindow;
  };
  static constexpr int64_t kDefaultWindow = 256, kSmallestWindow = BlockLanes::kBlocksPerLane;

  // A part of an epoch's order: positions [begin, end), which may be empty.
  struct Part {
    int64_t begin = 0;
    int64_t end = 0;
    int64_t global_size = 0;      // samples of all ranks in this step
    int64_t first_in_global = 0;  // samples of lower ranks in this step
  };

  // Throws Error unless samples, global_batch and ranks are positive, rank is in [0, ranks), slices
  // are a multiple of the ranks, an epoch has at least one batch, and the blocks and their window
  // are as described above.
  explicit Sampler(const Options& options);

  // samples / global_batch, rounded up, or rounded down if the last batch is dropped.
  int64_t steps_per_epoch() const;
  // The samples of all steps of an epoch, over all ranks.
  int64_t samples_per_epoch() const;
  // The order of an epoch: a permutation of [0, samples), the same on all ranks.
  std::unique_ptr<const EpochOrder> order(int64_t epoch) const;
  // The memory of the orders of so many epochs.
  uint64_t order_bytes(int64_t epochs) const;
  // This rank's part of step `step`, in [0, steps_per_epoch()).
  Part part(int64_t step) const;

 private:
  Options options_;
  std::shared_ptr<const BlockLanes> lanes_;  // of Order::blocks
};

}  // namespace d2l::data
