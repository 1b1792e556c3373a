#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "data/loading/epoch_order.h"

namespace d2l::data {

// The part of a BlockOrder that is the same in all epochs.
//
// The blocks of the dataset, in a random order, are one sequence of all samples. It is cut between
// blocks into `lanes` pieces of about equal length, and each batch draws from all lanes in
// proportion to their lengths, sorted by lane. A rank's part of a batch is contiguous, so it comes
// from a few lanes: each block is read by one rank, or by two if its lane lies where two ranks
// meet. The lanes depend on the dataset and the global batch, not on the number of ranks.
struct BlockLanes {
  // Fewer blocks in a lane would mix too few samples; more lanes allow more ranks to read different
  // blocks.
  static constexpr int64_t kBlocksPerLane = 4;

  // `first_samples`: of the blocks, ascending from 0. `window_of_all`: the blocks whose samples are
  // mixed at a time, in all lanes together. Throws Error for other blocks and for a window below
  // kBlocksPerLane.
  BlockLanes(int64_t all_samples, int64_t global_batch, std::vector<int64_t> first_samples,
             int64_t window_of_all);

  // About the most blocks that `part` consecutive samples of each batch of `batch` draw from at the
  // same time, in a dataset of many blocks.
  static int64_t blocks_in_use(int64_t batch, int64_t part, int64_t window);

  int64_t samples = 0;
  int64_t batch = 0;            // at most `samples`
  std::vector<int64_t> blocks;  // first samples
  int64_t lanes = 1;
  int64_t window = 1;  // blocks of a lane that are shuffled together
};

// A permutation of [0, size) that needs no table: the "swap or not" shuffle of Hoang, Morris and
// Rogaway, "An enciphering scheme based on a card shuffle", CRYPTO 2012, with rounds enough for
// statistics, not for secrets.
class Permutation {
 public:
  Permutation(uint64_t key, int64_t size);
  int64_t operator()(int64_t position) const;

 private:
  static constexpr size_t kRounds = 32;

  int64_t size_;
  std::array<uint64_t, kRounds> keys_;
};

// An order for datasets that are larger than memory. Reads whole blocks in random order. Within a
// lane, the samples of `window` consecutive blocks are shuffled together; then the next ones
// follow. The first window of lane i has only 1 + i mod `window` blocks, so that the lanes do not
// all begin a window in the same step.
class BlockOrder final : public EpochOrder {
 public:
  BlockOrder(std::shared_ptr<const BlockLanes> lanes, RngKey key);
  void read(int64_t begin, std::span<int64_t> samples) const override;

  static uint64_t bytes(const BlockLanes& lanes);  // memory of one order

 private:
  // Positions [begin, end) of the sequence of blocks, whose samples are shuffled together.
  struct Window {
    int64_t begin = 0, end = 0;
  };

  void cut_lanes();
  int64_t drawn_below(int64_t lane, int64_t drawn) const;
  size_t block_at(int64_t place) const;
  Window window_at(int64_t lane, int64_t place) const;
  void read_lane(int64_t lane, int64_t place, std::span<int64_t> samples) const;

  std::shared_ptr<const BlockLanes> lanes_;
  uint64_t key_;
  std::vector<uint32_t> blocks_;      // in the order of the epoch
  std::vector<int64_t> begins_;       // their positions in the sequence; the last is the end
  std::vector<int64_t> lane_begins_;  // positions in the sequence; the last is the end
};

}  // namespace d2l::data
