#include "framework/comm/buckets.h"

#include "framework/base/error.h"

namespace d2l {

std::vector<Range> cut_into_buckets(const std::vector<Range>& slots, int64_t elements,
                                    const BucketSizes& sizes) {
  constexpr auto kElementBytes = static_cast<int64_t>(sizeof(float));
  std::vector<Range> buckets;
  int64_t expected_begin = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    const Range& slot = slots[i];
    check(slot.begin >= expected_begin && slot.end >= slot.begin, "slot ", i,
          " expected from element ", expected_begin, " on, found [", slot.begin, ", ", slot.end,
          ")");
    check(slot.end <= elements, "slot ", i, " ends at element ", slot.end, " of an array of ",
          elements);
    expected_begin = slot.end;
    const int64_t most = (buckets.size() <= 1 ? sizes.first_bytes : sizes.bytes) / kElementBytes;
    if (buckets.empty() || slot.end - buckets.back().begin > most)
      buckets.push_back(slot);
    else
      buckets.back().end = slot.end;
  }
  return buckets;
}

std::vector<Range> own_parts(const std::vector<Range>& buckets, const Communicator& comm) {
  std::vector<Range> own;
  for (const Range& bucket : buckets)
    for (const Range& part : comm.parts(bucket.elements()))
      own.push_back({bucket.begin + part.begin, bucket.begin + part.end});
  return own;
}

void gather_buckets(View array, const std::vector<Range>& buckets, Communicator& comm) {
  std::vector<Communicator::Work> started;
  started.reserve(buckets.size());
  for (const Range& bucket : buckets)
    started.push_back(comm.start({Collective::Kind::gather_parts, part_of(array, bucket)}));
  for (const Communicator::Work work : started) comm.wait(work);
}

View part_of(const View& array, const Range& range) {
  check(array.dtype == DType::f32 && range.end <= array.elements(), "part [", range.begin, ", ",
        range.end, ") of ", array.elements(), " ", to_string(array.dtype));
  return {array.as<float>() + range.begin, DType::f32, {range.elements()}};
}

}  // namespace d2l
