#pragma once

#include <cstdint>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

// One rank's part of one global batch. A part may be empty (0 samples) when the batch is smaller
// than the number of ranks; ranks' parts follow each other in rank order.
struct Batch {
  Tensor inputs;            // [n, ...], host; f32, or u8 as images are stored
  Tensor targets;           // [n, ...], host: what the network should answer; labels are i64 [n]
  int64_t global_size = 0;  // samples in all ranks' parts
  int64_t first_in_global = 0;  // how many of them belong to lower ranks
  Tensor samples = {};          // i64 [n], host: their numbers in the data set; for augmentation
  int64_t epoch = 0;            // from 0

  int64_t size() const { return targets.size(0); }
};

// Samples [begin, end) of a rank's part of a batch.
struct Piece {
  int64_t begin = 0, end = 0;

  bool operator==(const Piece&) const = default;
};

// So many samples cut into `pieces` of about equal size that follow each other, or into fewer so
// that none is empty; no samples are one piece. Throws Error for less than 1.
std::vector<Piece> cut(int64_t samples, int64_t pieces);

// What a training loop reads from. Every rank makes the same number of steps in an epoch.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t samples() const = 0;  // of all ranks, in one epoch
  virtual int64_t steps_per_epoch() const = 0;
  virtual int64_t largest_part() const = 0;  // samples of the largest batch that next() gives
  // The next batch will be number `step` of epoch `epoch` (both from 0).
  virtual void seek(int64_t epoch, int64_t step) = 0;
  // Waits for the batch; throws Error when its data cannot be read. After an epoch's last batch
  // comes the first one of the next epoch.
  virtual Batch next() = 0;
};

}  // namespace d2l
