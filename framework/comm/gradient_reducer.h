#pragma once

#include <cstdint>
#include <vector>

#include "framework/comm/buckets.h"
#include "framework/comm/communicator.h"

namespace d2l {

// Sums the slots of a flat array over all ranks while the backward pass still computes others.
// The sum of a bucket is started when all its slots are ready and the buckets before it have been
// started, so every rank starts the same buckets in the same order. Gradients have been divided by
// the size of the global batch, so a sum over ranks is the average over samples.
class GradientReducer {
 public:
  struct Slot {
    int64_t begin = 0, end = 0;  // elements of the array, with padding
    bool used = true;            // a bucket without used slots is not summed
  };
  struct Options {
    BucketSizes sizes = {};
    bool scatter = false;  // each rank only gets the sums of its own_parts()
  };

  // The array (f32) and the communicator must outlive the reducer. Slots are in ascending order,
  // in which a backward pass is expected to finish them. Small gaps between them, and unused ones,
  // are summed along with their neighbours, so they must hold valid numbers.
  GradientReducer(Communicator& comm, View arena, const std::vector<Slot>& slots, Options options);
  GradientReducer(Communicator& comm, View arena, const std::vector<Slot>& slots)
      : GradientReducer(comm, arena, slots, Options{}) {}
  // Abandons the communicator if a step has begun and not finished, as after an exception.
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  // This rank's value of the slot is final. Throws Error if called twice for a slot in one step.
  void ready(int slot);
  // Discards a step that ended before finish(); all operations that it started must be complete.
  void forget();
  // Starts the remaining buckets, waits for all of them and begins the next step. Slots that were
  // never ready are summed too, so they must hold valid numbers.
  void finish();

  int buckets() const { return static_cast<int>(buckets_.size()); }

 private:
  struct Bucket {
    Range range, used;  // `used`: from the first to the last slot that is used
    int slots = 0;      // that are used
    int waiting = 0;    // slots that are not ready in this step

    void add(const Slot& slot) {
      if (slots++ == 0) used.begin = slot.begin;
      used.end = slot.end;
    }
  };
  void start_complete_buckets();

  Communicator& comm_;
  View arena_;
  Collective::Kind kind_;
  std::vector<Bucket> buckets_;
  std::vector<int> bucket_of_slot_;
  std::vector<bool> slot_ready_;
  size_t next_bucket_ = 0;
  std::vector<Communicator::Work> started_;
};

}  // namespace d2l
