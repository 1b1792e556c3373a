#pragma once

#include "framework/backend/cuda/launch.h"
#include "framework/backend/params.h"

// Passes an optimizer's ranges to kernels as parameters, in batches.

namespace d2l::cuda {

// Facts: a kernel's data for a range, besides its position.
template <class Facts>
struct Range {
  int64_t begin, end;
  Facts facts;
};

template <class Facts, int kMost>
struct RangeTable {
  int count = 0;
  Range<Facts> at[kMost];

  // The index of the first range that ends after `element`; `count` if there is none.
  __device__ int first_ending_after(int64_t element) const {
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

constexpr int kFewRanges = 16, kManyRanges = 512;  // per table

// Calls body(batch) for parts of the list, each with at most kManyRanges ranges. An empty list
// means [0, count). A part also ends before a wide gap, which a kernel should not walk over.
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

// Calls body(table) with the smallest table type that has room for the batch.
template <class FactsOf, class Body>
void with_table(StepRanges batch, const FactsOf& facts_of, const Body& body) {
  if (batch.size() <= kFewRanges)
    body(table_of<kFewRanges>(batch, facts_of));
  else
    body(table_of<kManyRanges>(batch, facts_of));
}

}  // namespace d2l::cuda
