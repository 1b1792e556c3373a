#include "framework/comm/gradient_reducer.h"

#include "framework/base/error.h"

namespace d2l {

GradientReducer::GradientReducer(Communicator& comm, View arena, std::vector<Slot> slots,
                                 Options options)
    : comm_(comm), arena_(arena), slot_ready_(slots.size(), false) {
  check(arena.dtype == DType::f32, "gradient reducer: expects an f32 arena, found ",
        to_string(arena.dtype));
  const int64_t element_bytes = static_cast<int64_t>(size_of(arena.dtype));
  int64_t expected_begin = slots.empty() ? 0 : slots.front().begin;
  check(expected_begin >= 0, "gradient reducer: slot 0 begins at element ", expected_begin);
  for (size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    check(slot.begin >= expected_begin && slot.end >= slot.begin, "gradient reducer: slot ", i,
          " expected from element ", expected_begin, " on, found [", slot.begin, ", ", slot.end,
          ")");
    check(slot.end <= arena.elements(), "gradient reducer: slot ", i, " ends at element ", slot.end,
          " of an arena of ", arena.elements());
    expected_begin = slot.end;

    const int64_t most =
        (buckets_.size() <= 1 ? options.first_bucket_bytes : options.bucket_bytes) / element_bytes;
    if (buckets_.empty() || slot.end - buckets_.back().begin > most)
      buckets_.push_back({slot.begin, slot.end, 0, 0});
    Bucket& bucket = buckets_.back();
    bucket.end = slot.end;
    ++bucket.slots;
    ++bucket.waiting;
    bucket_of_slot_.push_back(buckets() - 1);
  }
}

GradientReducer::~GradientReducer() {
  if (!started_.empty()) comm_.abandon();
}

void GradientReducer::ready(int slot) {
  check(slot >= 0 && slot < static_cast<int>(slot_ready_.size()),
        "gradient reducer: expects one of ", slot_ready_.size(), " slots, found ", slot);
  const size_t index = static_cast<size_t>(slot);
  check(!slot_ready_[index], "gradient reducer: slot ", slot, " was ready twice in one step");
  slot_ready_[index] = true;
  --buckets_[static_cast<size_t>(bucket_of_slot_[index])].waiting;
  start_complete_buckets();
}

void GradientReducer::start_complete_buckets() {
  while (next_bucket_ < buckets_.size() && buckets_[next_bucket_].waiting == 0) {
    const Bucket& bucket = buckets_[next_bucket_++];
    started_.push_back(comm_.start(
        {.data = {arena_.as<float>() + bucket.begin, DType::f32, {bucket.end - bucket.begin}},
         .name = "gradients"}));
  }
}

void GradientReducer::finish() {
  for (Bucket& bucket : buckets_) bucket.waiting = 0;
  start_complete_buckets();
  for (Communicator::Work work : started_) comm_.wait(work);
  forget();
}

void GradientReducer::forget() {
  started_.clear();
  next_bucket_ = 0;
  slot_ready_.assign(slot_ready_.size(), false);
  for (Bucket& bucket : buckets_) bucket.waiting = bucket.slots;
}

}  // namespace d2l
