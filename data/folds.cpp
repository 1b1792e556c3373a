#include "data/folds.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "data/loading/epoch_order.h"
#include "data/loading/sampler.h"
#include "framework/base/error.h"
#include "framework/base/rng.h"

namespace d2l::data {
namespace {

using Ranges = std::vector<SampleRange>;

// Of ascending indices.
Ranges ranges_of(const std::vector<int64_t>& indices) {
  Ranges ranges;
  for (const int64_t index : indices) {
    if (ranges.empty() || ranges.back().end < index) ranges.push_back({index, index});
    ++ranges.back().end;
  }
  return ranges;
}

Ranges samples_of_fold(int64_t samples, const FoldOptions& options) {
  const int64_t begin = share_begin(samples, options.folds, options.fold - 1);
  const int64_t end = share_begin(samples, options.folds, options.fold);
  if (!options.shuffle) return {{begin, end}};
  const uint64_t stream = mix(stream_of("folds"), static_cast<uint64_t>(options.folds));
  std::vector<int64_t> indices(static_cast<size_t>(end - begin));
  ShuffledOrder(samples, RngKey{options.seed, stream}).read(begin, indices);
  std::sort(indices.begin(), indices.end());
  return ranges_of(indices);
}

Ranges all_but(const Ranges& ranges, int64_t samples) {
  Ranges others;
  int64_t begin = 0;
  for (const SampleRange& range : ranges) {
    if (begin < range.begin) others.push_back({begin, range.begin});
    begin = range.end;
  }
  if (begin < samples) others.push_back({begin, samples});
  return others;
}

}  // namespace

Fold make_fold(const std::shared_ptr<const Dataset>& whole, const FoldOptions& options) {
  const int64_t samples = whole->samples();
  check(options.folds >= 2 && options.folds <= samples, whole->name(),
        ": expected from 2 folds to as many as the ", samples, " samples, found ", options.folds);
  check(options.fold >= 1 && options.fold <= options.folds, "expected a fold from 1 to ",
        options.folds, ", found ", options.fold);
  const Ranges tested = samples_of_fold(samples, options);
  const std::string name =
      concat("fold ", options.fold, " of ", options.folds, options.shuffle ? ", shuffled" : "");
  return {.train = std::make_shared<Subset>(whole, all_but(tested, samples),
                                            SubsetOptions{.part = "without " + name}),
          .test = std::make_shared<Subset>(
              whole, tested, SubsetOptions{.part = "only " + name, .counts_whole = false})};
}

}  // namespace d2l::data
