#include "data/loading/block_order.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "data/loading/sampler.h"
#include "framework/base/error.h"

namespace d2l::data {

namespace {

__extension__ using Int128 = __int128;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t lanes_for(int64_t batch, int64_t window) {
  return std::max<int64_t>(1, std::min(window / BlockLanes::kBlocksPerLane, batch / 2));
}

}  // namespace

BlockLanes::BlockLanes(int64_t all_samples, int64_t global_batch,
                       std::vector<int64_t> first_samples, int64_t window_of_all)
    : samples(all_samples),
      batch(std::min(global_batch, all_samples)),
      blocks(std::move(first_samples)) {
  check(
      !blocks.empty() && blocks.front() == 0 && blocks.back() < samples &&
          std::adjacent_find(blocks.begin(), blocks.end(), std::greater_equal<>()) == blocks.end(),
      "sampler: expected blocks in ascending order from sample 0 to below ", samples);
  check(blocks.size() <= std::numeric_limits<uint32_t>::max(),
        "sampler: expected fewer than 2^32 blocks, found ", blocks.size());
  check(window_of_all >= kBlocksPerLane, "sampler: expected a window of at least ", kBlocksPerLane,
        " blocks, found ", window_of_all);
  int64_t largest = samples - blocks.back();
  for (size_t i = 1; i < blocks.size(); ++i) largest = std::max(largest, blocks[i] - blocks[i - 1]);
  // So that samples / lanes >= 2 samples / batch + largest, see BlockOrder::drawn_below().
  const Int128 most = Int128{samples} * batch / (2 * Int128{samples} + Int128{largest} * batch);
  lanes =
      std::max<int64_t>(1, std::min(lanes_for(batch, window_of_all), static_cast<int64_t>(most)));
  window = window_of_all / lanes;
}

int64_t BlockLanes::blocks_in_use(int64_t batch, int64_t part, int64_t window) {
  const int64_t lanes = lanes_for(batch, window);
  // Two lanes are shared with neighbours. A lane may use one block more than its window: a batch
  // that is read ahead is already in the next one.
  const int64_t used = std::min(lanes, ceil_div(part * lanes, batch) + 2);
  return used * (window / lanes + 1);
}

Permutation::Permutation(uint64_t key, int64_t size) : size_(size) {
  for (size_t round = 0; round < kRounds; ++round) keys_[round] = mix(key, round);
}

int64_t Permutation::operator()(int64_t position) const {
  const auto size = static_cast<uint64_t>(size_);
  auto place = static_cast<uint64_t>(position);
  for (const uint64_t key : keys_) {
    const uint64_t turn = key % size;
    const uint64_t partner = turn >= place ? turn - place : turn + size - place;
    if (mix(key, std::max(place, partner)) >> 63) place = partner;
  }
  return static_cast<int64_t>(place);
}

BlockOrder::BlockOrder(std::shared_ptr<const BlockLanes> lanes, RngKey key)
    : lanes_(std::move(lanes)), key_(mix(key.seed, key.stream)) {
  const size_t count = lanes_->blocks.size();
  blocks_.resize(count);
  std::iota(blocks_.begin(), blocks_.end(), uint32_t{0});
  for (size_t last = count - 1; last > 0; --last)
    std::swap(blocks_[last], blocks_[random_below(key, last, last + 1)]);
  begins_.reserve(count + 1);
  begins_.push_back(0);
  for (const uint32_t block : blocks_) {
    const int64_t end = block + 1 < count ? lanes_->blocks[block + 1] : lanes_->samples;
    begins_.push_back(begins_.back() + end - lanes_->blocks[block]);
  }
  cut_lanes();
}

// Cuts at the ends of blocks that are nearest to equal lanes.
void BlockOrder::cut_lanes() {
  for (int64_t lane = 0; lane <= lanes_->lanes; ++lane) {
    const int64_t equal = share_begin(lanes_->samples, lanes_->lanes, lane);
    const auto after = std::lower_bound(begins_.begin(), begins_.end(), equal);
    const bool is_before = after != begins_.begin() && equal - *(after - 1) < *after - equal;
    lane_begins_.push_back(is_before ? *(after - 1) : *after);
  }
}

// How many of an epoch's first `drawn` samples come from lanes below `lane`; for all lanes exactly
// `drawn`. What a lane has given never decreases: rounding makes its contribution to a step differ
// from its share by less than 2, and its share is at least 1, since it has at least
// samples / lanes - 1 - largest block >= 2 samples / batch - 1 samples.
int64_t BlockOrder::drawn_below(int64_t lane, int64_t drawn) const {
  const Int128 begin = lane_begins_[static_cast<size_t>(lane)];
  return static_cast<int64_t>(begin * drawn / lanes_->samples);
}

uint64_t BlockOrder::bytes(const BlockLanes& lanes) {
  const size_t positions = lanes.blocks.size() + 1 + static_cast<size_t>(lanes.lanes) + 1;
  return lanes.blocks.size() * sizeof(uint32_t) + positions * sizeof(int64_t);
}

// The block, by its number in the order of the epoch, that contains a position of the sequence.
size_t BlockOrder::block_at(int64_t place) const {
  return static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), place) -
                             begins_.begin()) -
         1;
}

BlockOrder::Window BlockOrder::window_at(int64_t lane, int64_t place) const {
  const auto window = static_cast<size_t>(lanes_->window);
  const int64_t lane_end = lane_begins_[static_cast<size_t>(lane) + 1];
  const size_t first = block_at(lane_begins_[static_cast<size_t>(lane)]),
               within = block_at(place) - first;
  const size_t short_one = 1 + static_cast<size_t>(lane) % window;
  size_t begin = first, end = first + short_one;
  if (within >= short_one) {
    begin = end + (within - short_one) / window * window;
    end = begin + window;
  }
  end = std::min(end, blocks_.size());
  return {begins_[begin], std::min(begins_[end], lane_end)};
}

// Reads the samples of a lane from its position `place` in the sequence on.
void BlockOrder::read_lane(int64_t lane, int64_t place, std::span<int64_t> samples) const {
  while (!samples.empty()) {
    const Window window = window_at(lane, place);
    const Permutation shuffle(mix(key_, static_cast<uint64_t>(window.begin)),
                              window.end - window.begin);
    const size_t count = std::min(samples.size(), static_cast<size_t>(window.end - place));
    for (size_t i = 0; i < count; ++i) {
      const int64_t drawn = window.begin + shuffle(place + static_cast<int64_t>(i) - window.begin);
      const size_t block = block_at(drawn);
      samples[i] = lanes_->blocks[blocks_[block]] + drawn - begins_[block];
    }
    samples = samples.subspan(count);
    place += static_cast<int64_t>(count);
  }
}

void BlockOrder::read(int64_t begin, std::span<int64_t> samples) const {
  const BlockLanes& lanes = *lanes_;
  while (!samples.empty()) {
    const int64_t before = begin / lanes.batch * lanes.batch;
    const int64_t after = std::min(before + lanes.batch, lanes.samples);
    // The position within this batch at which a lane begins.
    const auto in_batch = [&](int64_t lane) {
      return drawn_below(lane, after) - drawn_below(lane, before);
    };
    int64_t lane = 0, above = lanes.lanes;
    while (above - lane > 1) {
      const int64_t middle = (lane + above) / 2;
      (in_batch(middle) <= begin - before ? lane : above) = middle;
    }
    const int64_t done = begin - before - in_batch(lane);
    const size_t count =
        std::min(samples.size(), static_cast<size_t>(in_batch(lane + 1) - in_batch(lane) - done));
    const int64_t given = drawn_below(lane + 1, before) - drawn_below(lane, before);
    read_lane(lane, lane_begins_[static_cast<size_t>(lane)] + given + done, samples.first(count));
    samples = samples.subspan(count);
    begin += static_cast<int64_t>(count);
  }
}

}  // namespace d2l::data
