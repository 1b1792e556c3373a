#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "framework/backend/image_pairs.h"
#include "framework/tensor/tensor.h"

namespace d2l {

// How samples are mixed in pairs, on the host: see Kernels::ImageOperands.
struct SamplePairs {
  static constexpr int64_t kNumbers = images::ImagePair::kNumbers;

  Tensor numbers;  // i64 [n, 5]: row of the partner, then a rectangle
  Tensor weights;  // f32 [n]: of the sample's own target; its partner's target has the rest
  Tensor targets;  // [n]: of the partners

  bool defined() const { return numbers.defined(); }
};

// One rank's part of a global mini-batch. A part may be empty (0 samples) if the batch has fewer
// samples than there are ranks. The parts are consecutive, in rank order.
struct Batch {
  // [n, ...], host; f32, or u8 for stored images. If samples are mixed, up to two more rows: the
  // partners that are in other ranks' parts.
  Tensor inputs;
  Tensor targets;               // [n, ...], host: the expected outputs; labels are i64 [n]
  int64_t global_size = 0;      // samples in all ranks' parts
  int64_t first_in_global = 0;  // samples in the parts of lower ranks
  Tensor samples = {};  // i64, host: numbers in the dataset of the rows of inputs; for augmentation
  int64_t epoch = 0;    // from 0
  SamplePairs pairs = {};  // undefined if samples are not mixed

  int64_t size() const { return targets.size(0); }
};

// Splits `size` items into `parts` contiguous pieces whose sizes differ by at most 1, larger ones
// first. Returns the beginning of piece `part`; `size` for part == parts. share_begin(256, 3, 1) ==
// 86.
int64_t share_begin(int64_t size, int64_t parts, int64_t part);

// Samples [begin, end) of a rank's part of a batch.
struct Piece {
  int64_t begin = 0, end = 0;

  bool operator==(const Piece&) const = default;
};

// Splits `samples` samples into `pieces` consecutive pieces of about equal size, or into fewer
// pieces so that none is empty; 0 samples give one piece. Throws Error if `pieces` is less than 1.
std::vector<Piece> cut(int64_t samples, int64_t pieces);

// This rank's part of a batch that is cut into `slices` slices, of which each of the `ranks` ranks
// has equally many: their samples do not depend on the number of ranks. Slices may be empty. Throws
// Error unless the part consists of whole slices.
std::vector<Piece> slices_of(const Batch& batch, int64_t slices, int rank, int ranks);

// Samples that were damaged and that others have replaced.
struct Replaced {
  int64_t count = 0;                  // every time counts
  std::vector<std::string> problems;  // of samples that were not named before: place and reason
};

// The source of a training loop's batches. Every rank makes the same number of steps per epoch.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t samples() const = 0;  // of all ranks, in one epoch
  virtual int64_t steps_per_epoch() const = 0;
  virtual int64_t largest_part() const = 0;  // of the largest batch from next()
  // Makes batch number `step` of epoch `epoch` (both from 0) the next one.
  virtual void seek(int64_t epoch, int64_t step) = 0;
  // Waits for the batch. Throws Error if its data cannot be read. The last batch of an epoch is
  // followed by the first one of the next epoch.
  virtual Batch next() = 0;
  // In this rank's batches since the last call.
  virtual Replaced take_replaced() { return {}; }
};

}  // namespace d2l
