#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/loading/sampler.h"
#include "framework/base/dtype.h"
#include "launcher/options/duration.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

enum class PrecisionChoice { f32, bf16, fp16, tf32 };
template <>
const WordTable<PrecisionChoice>& words_of();
template <>
const WordTable<data::LastBatch>& words_of();

struct TrainingConfig {
  int64_t epochs = 10;
  int64_t max_steps = 0;     // 0: no limit
  int64_t patience = 0;      // evaluations without an improvement; 0: any number
  int64_t batch_size = 256;  // over all ranks
  data::LastBatch last_batch = data::LastBatch::keep;
  int64_t accumulate = 1;
  int64_t reproducible = 0;  // slices of a batch, a power of two; 0: off
  PrecisionChoice precision = PrecisionChoice::f32;
  double loss_scale = 0;  // of fp16; 0: dynamic
  bool sync_bn = false;
  std::vector<std::string> freeze;  // patterns
  Duration unfreeze_after;          // 0: never
  uint64_t seed = 0;

  bool operator==(const TrainingConfig&) const = default;
};

std::vector<Option> training_options();
void check_training(const Config& config, const Given& given);

// Throws UsageError if the batch is too small for the number of ranks, or if --reproducible does
// not allow it.
void check_ranks(const TrainingConfig& training, int ranks);

// The type of activations.
DType activation_type(PrecisionChoice precision);

}  // namespace d2l::launcher
