#pragma once

#include <cstdint>
#include <vector>

#include "framework/backend/view.h"
#include "framework/base/range.h"
#include "framework/comm/communicator.h"

namespace d2l {

// Flat arrays are exchanged in buckets of neighbouring slots: one message for many small slots, and
// several for a large array, so that the first can leave early.

struct BucketSizes {
  int64_t first_bytes = 1 << 20;  // small, so that the first exchange starts early
  int64_t bytes = 4 << 20;
};

// Cuts an array of f32 into buckets, given its slots in ascending order. A slot is never divided.
// Gaps between slots become part of a bucket. Throws Error if slots overlap or exceed `elements`.
std::vector<Range> cut_into_buckets(const std::vector<Range>& slots, int64_t elements,
                                    const BucketSizes& sizes = {});

// The elements of which this rank gets the sums if each bucket is reduced and scattered: ascending.
std::vector<Range> own_parts(const std::vector<Range>& buckets, const Communicator& comm);

// For an array of which each rank has set its own parts: sets all elements of all buckets on all
// ranks. Every rank makes this call.
void gather_buckets(View array, const std::vector<Range>& buckets, Communicator& comm);

View part_of(const View& array, const Range& range);

}  // namespace d2l
