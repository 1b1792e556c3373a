#pragma once

#include <cstdint>
#include <vector>

#include "framework/comm/communicator.h"

namespace d2l {

// Sums the slots of a flat arena over all ranks while the backward pass still fills the others.
// Neighbouring slots form buckets; a bucket is started when all its slots are ready and all buckets
// before it were started, so every rank starts the same buckets in the same order. Gradients are
// scaled by 1 / (global batch) before, so a sum is the average over samples, not over ranks.
class GradientReducer {
 public:
  struct Slot {
    int64_t begin = 0, end = 0;  // elements of the arena, padding included
  };
  struct Options {
    int64_t first_bucket_bytes = 1 << 20;  // small, so that the first reduction starts early
    int64_t bucket_bytes = 4 << 20;
  };

  // The arena (f32) and the communicator must outlive the reducer. Slots ascend, in the order in
  // which a backward pass is expected to finish them. Between them there may be gaps, of which
  // small ones are summed with their neighbours: they must hold valid numbers.
  GradientReducer(Communicator& comm, View arena, std::vector<Slot> slots, Options options);
  GradientReducer(Communicator& comm, View arena, std::vector<Slot> slots)
      : GradientReducer(comm, arena, std::move(slots), Options{}) {}
  // In the middle of a step, which an exception ended, it abandons the communicator.
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  // Slot i of this step holds its final local value. Throws Error when told twice in one step.
  void ready(int slot);
  // Forgets what a step that was broken off before finish() has begun; nothing of it may be under
  // way.
  void forget();
  // Starts what is left (slots that never became ready count as ready: their value must be valid),
  // waits for everything, and makes the reducer ready for the next step.
  void finish();

  int buckets() const { return static_cast<int>(buckets_.size()); }

 private:
  struct Bucket {
    int64_t begin = 0, end = 0;
    int slots = 0;    // how many it has
    int waiting = 0;  // how many are not ready in this step
  };
  void start_complete_buckets();

  Communicator& comm_;
  View arena_;
  std::vector<Bucket> buckets_;
  std::vector<int> bucket_of_slot_;
  std::vector<bool> slot_ready_;
  size_t next_bucket_ = 0;
  std::vector<Communicator::Work> started_;
};

}  // namespace d2l
