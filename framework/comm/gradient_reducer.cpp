#include "framework/comm/gradient_reducer.h"

#include "framework/base/error.h"

namespace d2l {

namespace {

std::vector<Range> ranges_of(const std::vector<GradientReducer::Slot>& slots) {
  std::vector<Range> ranges;
  ranges.reserve(slots.size());
  for (const auto& slot : slots) ranges.push_back({slot.begin, slot.end});
  return ranges;
}

}  // namespace

GradientReducer::GradientReducer(Communicator& comm, View arena, const std::vector<Slot>& slots,
                                 Options options)
    : comm_(comm),
      arena_(arena),
      kind_(options.scatter ? Collective::Kind::reduce_scatter : Collective::Kind::all_reduce) {
  check(arena.dtype == DType::f32, "gradient reducer: expects an f32 arena, found ",
        to_string(arena.dtype));
  for (const Range& range : cut_into_buckets(ranges_of(slots), arena.elements(), options.sizes))
    buckets_.emplace_back().range = range;
  int bucket = 0;
  for (const Slot& slot : slots) {
    while (slot.end > buckets_[static_cast<size_t>(bucket)].range.end) ++bucket;
    if (slot.used) buckets_[static_cast<size_t>(bucket)].add(slot);
    bucket_of_slot_.push_back(bucket);
  }
  slot_ready_.resize(slots.size());
  forget();
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
    // A rank's parts of a bucket must not depend on which slots are used.
    const bool is_whole = kind_ == Collective::Kind::reduce_scatter;
    const Range& range = is_whole ? bucket.range : bucket.used;
    if (bucket.slots > 0)
      started_.push_back(
          comm_.start({.kind = kind_, .data = part_of(arena_, range), .label = "gradients"}));
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
