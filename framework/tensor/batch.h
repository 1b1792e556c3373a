#pragma once

#include <cstdint>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

// One rank's part of one global batch. A part may be empty (0 samples) when the batch is smaller
// than the number of ranks; ranks' parts follow each other in rank order.
struct Batch {
  Tensor inputs;                // [n, ...], host; f32, or u8 as images are stored
  Tensor labels;                // i64 [n], host
  int64_t global_size = 0;      // samples in all ranks' parts
  int64_t first_in_global = 0;  // how many of them belong to lower ranks

  // What a model takes, on `backend`: f32 or bf16; bytes become bytes / 255 there, which is the
  // book's scaling, after they have travelled as bytes. Queued: the batch must stay as it is until
  // the backend has done it.
  Tensor inputs_on(Backend& backend, DType dtype = DType::f32) const;

  // This part cut into `pieces` of about equal size that follow each other, or into fewer so that
  // none is empty; an empty part is one piece. They alias, and belong to the same global batch.
  // Throws Error for less than 1.
  std::vector<Batch> split(int64_t pieces) const;
};

// What a training loop reads from. Every rank makes the same number of steps in an epoch.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t samples() const = 0;  // of all ranks, in one epoch
  virtual int64_t steps_per_epoch() const = 0;
  // The next batch will be number `step` of epoch `epoch` (both from 0).
  virtual void seek(int64_t epoch, int64_t step) = 0;
  // Waits for the batch; throws Error when its data cannot be read. After an epoch's last batch
  // comes the first one of the next epoch.
  virtual Batch next() = 0;
};

}  // namespace d2l
