#include "data/loading/sampler.h"

#include <algorithm>
#include <utility>

#include "framework/base/error.h"
#include "framework/base/rng.h"

namespace d2l::data {

Sampler::Sampler(const Options& options) : options_(options) {
  check(options.samples > 0, "sampler: expected at least one sample, found ", options.samples);
  check(options.global_batch > 0, "sampler: expected a batch of at least 1, found ",
        options.global_batch);
  check(options.ranks > 0 && options.rank >= 0 && options.rank < options.ranks,
        "sampler: expected a rank in [0, ", options.ranks, "), found ", options.rank);
  check(options.slices >= 0 && options.slices % options.ranks == 0,
        "sampler: expected equally many slices for each of the ", options.ranks, " ranks, found ",
        options.slices);
  check(steps_per_epoch() > 0, "sampler: without a last batch that is smaller than ",
        options.global_batch, " nothing is left of ", options.samples, " samples");
  if (options.order == Order::blocks)
    lanes_ = std::make_shared<const BlockLanes>(options.samples, options.global_batch,
                                                std::move(options_.blocks), options.window);
}

int64_t Sampler::steps_per_epoch() const {
  if (options_.last_batch == LastBatch::drop) return options_.samples / options_.global_batch;
  return (options_.samples - 1) / options_.global_batch + 1;
}

int64_t Sampler::samples_per_epoch() const {
  if (options_.last_batch == LastBatch::keep) return options_.samples;
  return steps_per_epoch() * options_.global_batch;
}

std::unique_ptr<const EpochOrder> Sampler::order(int64_t epoch) const {
  const auto key = [&](const char* purpose) {
    return RngKey{options_.seed, mix(stream_of(purpose), static_cast<uint64_t>(epoch))};
  };
  switch (options_.order) {
    case Order::shuffled:
      return std::make_unique<ShuffledOrder>(options_.samples, key("sample order"));
    case Order::blocks:
      return std::make_unique<BlockOrder>(lanes_, key("block order"));
    case Order::sequential:
      break;
  }
  return std::make_unique<SequentialOrder>();
}

uint64_t Sampler::order_bytes(int64_t epochs) const {
  const auto count = static_cast<uint64_t>(epochs);
  switch (options_.order) {
    case Order::shuffled:
      return count * ShuffledOrder::bytes(options_.samples);
    case Order::blocks:
      return count * BlockOrder::bytes(*lanes_) + lanes_->blocks.size() * sizeof(int64_t);
    case Order::sequential:
      break;
  }
  return 0;
}

Sampler::Part Sampler::part(int64_t step) const {
  check(step >= 0 && step < steps_per_epoch(), "sampler: step ", step, " is outside [0, ",
        steps_per_epoch(), ")");
  int64_t begin = step * options_.global_batch;
  // begin + global_batch could overflow int64_t
  int64_t size = std::min(options_.global_batch, options_.samples - begin);
  const int64_t slices = options_.slices > 0 ? options_.slices : options_.ranks;
  const int64_t of_rank = slices / options_.ranks;
  int64_t first = share_begin(size, slices, options_.rank * of_rank);
  int64_t last = share_begin(size, slices, (options_.rank + 1) * of_rank);
  return {begin + first, begin + last, size, first};
}

}  // namespace d2l::data
