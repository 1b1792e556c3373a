#include "launcher/data_memory.h"

#include <algorithm>

#include "framework/base/text.h"

namespace d2l::launcher {

namespace {

// Of the training data, with --shuffle blocks.
int64_t blocks_in_use(const Config& config, int ranks) {
  const int64_t batch = config.training.batch_size;
  return data::BlockLanes::blocks_in_use(batch, share_begin(batch, ranks, 1),
                                         config.data.shuffle_window);
}

}  // namespace

data::ShardDatasetOptions shard_options(const Config& config, int ranks, data::Split split) {
  const bool train = split == data::Split::train;
  const bool by_blocks = !train || config.data.shuffle == ShuffleChoice::blocks;
  if (config.machine.cache.bytes)
    return {.cache_bytes = *config.machine.cache.bytes, .by_blocks = by_blocks};
  if (!train) return {.cache_bytes = kTestCacheBytes, .by_blocks = true};
  if (!by_blocks) return {};
  return {.by_blocks = true, .cache_blocks = blocks_in_use(config, ranks)};
}

std::string cache_warning(const Config& config, int ranks, const data::Dataset& train) {
  constexpr int64_t kBlockBytes = int64_t{1} << 20;  // about
  const auto& cache = config.machine.cache.bytes;
  if (!cache || config.data.shuffle != ShuffleChoice::blocks) return "";
  const auto blocks = static_cast<int64_t>(train.blocks().size());
  const auto needed =
      static_cast<uint64_t>(std::min(blocks, blocks_in_use(config, ranks)) * kBlockBytes);
  if (*cache >= needed) return "";
  return concat("--cache ", human_bytes(*cache), " is less than --shuffle-window ",
                config.data.shuffle_window, " needs, about ", human_bytes(needed),
                ": blocks are read more than once in an epoch, which is slow; increase --cache or "
                "reduce --shuffle-window");
}

std::string data_memory(const data::Loader& train, const data::Loader* test, int threads) {
  uint64_t datasets = 0, orders = 0, batches = 0;
  for (const data::Loader* loader : {&train, test}) {
    if (loader == nullptr) continue;
    datasets += loader->dataset().memory_bound();
    orders += loader->order_bytes();
    batches += loader->batch_bytes();
  }
  return concat("data: at most ", human_bytes(datasets + orders + batches),
                " of memory for each rank (dataset ", human_bytes(datasets), ", order ",
                human_bytes(orders), ", batches ", human_bytes(batches), "), ", threads,
                threads == 1 ? " loader thread" : " loader threads");
}

}  // namespace d2l::launcher
