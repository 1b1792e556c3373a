#pragma once

#include "framework/backend/cuda/launch.h"
#include "framework/backend/params.h"

// An optimizer's ranges as parameters of kernels: the host's list goes in batches.

namespace d2l::cuda {

// Facts: what a kernel knows of each range besides its place.
template <class Facts>
struct Range {
  int64_t begin, end;
  Facts facts;
};

template <class Facts, int kMost>
struct RangeTable {
  int count = 0;
  Range<Facts> at[kMost];

  // The number of the first range that ends behind `element`; `count` if none does.
  __device__ int first_behind(int64_t element) const {
    int low = 0, high = count;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (at[middle].end > element)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
};

constexpr int kFewRanges = 16, kManyRanges = 512;  // in a table

// Calls body(batch) for the list in parts of at most kManyRanges; a list without ranges stands for
// [0, count). A part also ends before a gap so wide that it is not worth a walk over it.
template <class Body>
void for_batches(StepRanges given, int64_t count, const Body& body) {
  constexpr int64_t kWideGap = int64_t{1} << 20;
  const StepRange all{0, count};
  const StepRanges ranges = given.empty() ? StepRanges(&all, 1) : given;
  for (size_t first = 0; first < ranges.size();) {
    size_t next = first + 1;
    while (next < ranges.size() && next - first < kManyRanges &&
           ranges[next].begin - ranges[next - 1].end < kWideGap)
      ++next;
    body(ranges.subspan(first, next - first));
    first = next;
  }
}

template <int kMost, class FactsOf>
auto table_of(StepRanges batch, const FactsOf& facts_of) {
  RangeTable<decltype(facts_of(batch[0])), kMost> table;
  for (const StepRange& range : batch)
    table.at[table.count++] = {range.begin, range.end, facts_of(range)};
  return table;
}

// Calls body(table) with a table that has room for the batch, but not much more.
template <class FactsOf, class Body>
void with_table(StepRanges batch, const FactsOf& facts_of, const Body& body) {
  if (batch.size() <= kFewRanges)
    body(table_of<kFewRanges>(batch, facts_of));
  else
    body(table_of<kManyRanges>(batch, facts_of));
}

}  // namespace d2l::cuda
