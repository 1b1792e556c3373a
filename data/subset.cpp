#include "data/subset.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "framework/base/checksum.h"

namespace d2l::data {
namespace {

// With more ranges it is faster to read all labels in between.
constexpr size_t kFewRanges = 8;
constexpr int64_t kLabelsAtOnce = 1 << 16;

DatasetInfo info_of_part(DatasetInfo info, const std::vector<SampleRange>& ranges,
                         int64_t channels) {
  const int64_t all = std::exchange(info.samples, 0);
  int64_t end = 0;
  for (const SampleRange& range : ranges) {
    check(range.begin >= end && range.begin < range.end && range.end <= all, info.name,
          ": expected ascending ranges of samples in [0, ", all, "), found [", range.begin, ", ",
          range.end, ") after sample ", end);
    end = range.end;
    info.samples += range.samples();
  }
  if (channels != 0 && !info.is_table() && channels != info.shape[2]) {
    info.shape[2] = channels;
    info.mean.clear();
    info.deviation.clear();
  }
  return info;
}

}  // namespace

Subset::Subset(std::shared_ptr<const Dataset> whole, std::vector<SampleRange> ranges,
               SubsetOptions options)
    : Dataset(info_of_part(whole->info(), ranges, options.channels)),
      whole_(std::move(whole)),
      ranges_(std::move(ranges)),
      options_(std::move(options)) {
  int64_t first = 0;
  for (const SampleRange& range : ranges_) {
    firsts_.push_back(first);
    first += range.samples();
  }
}

std::string Subset::fingerprint() const {
  const std::string text = Dataset::fingerprint();
  return options_.part.empty() ? text : concat(text, ", ", options_.part);
}

uint64_t Subset::content_checksum() const {
  const std::string whole = whole_->fingerprint();
  std::vector<uint64_t> parts = {checksum(whole.data(), whole.size()),
                                 static_cast<uint64_t>(shape()[shape().rank() - 1])};
  for (const SampleRange& range : ranges_)
    parts.insert(parts.end(),
                 {static_cast<uint64_t>(range.begin), static_cast<uint64_t>(range.end)});
  return checksum(parts.data(), parts.size() * sizeof(uint64_t));
}

size_t Subset::range_of(int64_t index) const {
  const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), index);
  return static_cast<size_t>(after - firsts_.begin()) - 1;
}

int64_t Subset::in_whole(int64_t index) const {
  const size_t range = range_of(index);
  return ranges_[range].begin + index - firsts_[range];
}

void Subset::visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const {
  std::vector<int64_t> moved(indices.size());
  std::transform(indices.begin(), indices.end(), moved.begin(),
                 [this](int64_t index) { return in_whole(index); });
  whole_->visit(moved, visitor, OnDamage::visit);
}

void Subset::read_labels(int64_t begin, std::span<int64_t> labels) const {
  for (size_t done = 0; done < labels.size();) {
    const int64_t index = begin + static_cast<int64_t>(done);
    const int64_t from = in_whole(index);
    const int64_t count =
        std::min(ranges_[range_of(index)].end - from, static_cast<int64_t>(labels.size() - done));
    const std::vector<int64_t> found = whole_->labels(from, from + count);
    std::copy(found.begin(), found.end(), labels.begin() + static_cast<ptrdiff_t>(done));
    done += found.size();
  }
}

std::vector<int64_t> Subset::count_labels(int64_t samples) const {
  std::vector<int64_t> counts(static_cast<size_t>(classes()));
  if (samples == 0 || !info().has_labels()) return counts;
  const size_t last = range_of(samples - 1);
  const int64_t end = in_whole(samples - 1) + 1;
  const auto end_of = [&](size_t range) { return range == last ? end : ranges_[range].end; };
  if (last < kFewRanges) {
    for (size_t range = 0; range <= last; ++range) {
      const std::vector<int64_t> with = whole_->class_counts(end_of(range)),
                                 before = whole_->class_counts(ranges_[range].begin);
      for (size_t label = 0; label < counts.size(); ++label)
        counts[label] += with[label] - before[label];
    }
    return counts;
  }
  size_t range = 0;
  for (int64_t begin = 0; begin < end; begin += kLabelsAtOnce) {
    const std::vector<int64_t> labels = whole_->labels(begin, std::min(end, begin + kLabelsAtOnce));
    for (size_t i = 0; i < labels.size(); ++i) {
      const int64_t index = begin + static_cast<int64_t>(i);
      if (index >= ranges_[range].end) ++range;
      if (index >= ranges_[range].begin) ++counts[static_cast<size_t>(labels[i])];
    }
  }
  return counts;
}

std::vector<int64_t> Subset::blocks() const {
  const std::vector<int64_t> of_whole = whole_->blocks();
  std::vector<int64_t> firsts;
  size_t range = 0;
  for (size_t block = 0; block < of_whole.size(); ++block) {
    const int64_t end = block + 1 < of_whole.size() ? of_whole[block + 1] : whole_->samples();
    while (range < ranges_.size() && ranges_[range].end <= of_whole[block]) ++range;
    if (range == ranges_.size()) break;
    const int64_t first = std::max(ranges_[range].begin, of_whole[block]);
    if (first < end) firsts.push_back(firsts_[range] + first - ranges_[range].begin);
  }
  return firsts;
}

uint64_t Subset::memory_bound() const {
  const uint64_t own = ranges_.size() * (sizeof(SampleRange) + sizeof(int64_t));
  return own + (options_.counts_whole ? whole_->memory_bound() : 0);
}

}  // namespace d2l::data
