#include "launcher/options/training.h"

#include <bit>

#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

template <>
const WordTable<PrecisionChoice>& words_of() {
  using enum PrecisionChoice;
  static const WordTable<PrecisionChoice> kWords = {
      {f32, "f32"}, {bf16, "bf16"}, {fp16, "fp16"}, {tf32, "tf32"}};
  return kWords;
}

template <>
const WordTable<data::LastBatch>& words_of() {
  static const WordTable<data::LastBatch> kWords = {{data::LastBatch::keep, "keep"},
                                                    {data::LastBatch::drop, "drop"}};
  return kWords;
}

namespace {

// How many samples a step has, and how they are divided.
void add_batch_options(OptionGroup<TrainingConfig>& group) {
  using enum ResumeRule;
  group
      .add("batch-size", "N", &TrainingConfig::batch_size, fixed_in_epoch,
           "samples per step, of all ranks together")
      .from(1)
      .up_to(kMostCounted);
  group.add("last-batch", &TrainingConfig::last_batch, fixed_in_epoch,
            "what to do with the last batch of an epoch if it is smaller than --batch-size. keep: "
            "train on it. drop: skip it; the skipped samples differ from epoch to epoch");
  group
      .add("accumulate", "N", &TrainingConfig::accumulate, may_change,
           "gradient accumulation: split each rank's part of a batch into N micro-batches and add "
           "their gradients. It saves memory. The result is the same up to rounding, unless the "
           "network has batch norms: they use the statistics of each micro-batch")
      .from(1);
  group
      .add("reproducible", "K", &TrainingConfig::reproducible, fixed_in_run,
           "the same bits on any number of ranks that divides K, and on any number of threads: "
           "each batch is cut into K slices (a power of two), which are computed one by one and "
           "added in a fixed order. Batch norms use the statistics of each slice. CPUs only. 0: "
           "off, results depend on the number of ranks by rounding")
      .up_to(1 << 20);
}

void add_freezing(OptionGroup<TrainingConfig>& group) {
  using enum ResumeRule;
  group
      .add("freeze", "PATTERN,...", &TrainingConfig::freeze, may_change,
           "do not train the parameters whose names match a pattern, for example layer1.*. A batch "
           "norm whose parameters are all frozen uses its running statistics and does not change "
           "them")
      .may_be_empty();
  group
      .add("unfreeze-after", "LENGTH", &TrainingConfig::unfreeze_after, may_change,
           "train the parameters of --freeze too after this length, in epochs (2 or 0.5) or steps "
           "(500steps), counted from the first step of the run; 0: never")
      .not_with("time");
}

}  // namespace

std::vector<Option> training_options() {
  using enum ResumeRule;
  OptionGroup group("Training", &Config::training);
  group
      .add("epochs", "N", &TrainingConfig::epochs, may_change,
           "number of passes over the training data")
      .from(1)
      .up_to(kMostCounted);
  group
      .add("max-steps", "N", &TrainingConfig::max_steps, may_change,
           "stop after N steps, counted from the beginning of the run; 0: no limit")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add("patience", "N", &TrainingConfig::patience, may_change,
           "early stopping: end the run when N evaluations in a row have not improved the best "
           "result (--best); 0: never")
      .up_to(kMostCounted)
      .not_with("time");
  add_batch_options(group);
  group.add("precision", &TrainingConfig::precision, may_change,
            "data type of images and activations. Weights, sums, statistics and losses are always "
            "f32. bf16: CPUs that do not multiply bf16 faster than f32 multiply it as f32. fp16: "
            "with loss scaling, GPUs only. tf32: stored as f32, multiplied in 19 bits, GPUs only");
  group
      .add("loss-scale", "X", &TrainingConfig::loss_scale, may_change,
           "constant factor by which fp16 scales the loss and so the gradients. 0: a dynamic "
           "factor. It starts at 65536. If gradients overflow, it is halved and the step is "
           "skipped; after 2000 steps without an overflow it is doubled")
      .from(0)
      .up_to(1e30)
      .only_with("precision", {PrecisionChoice::fp16});
  group.add("sync-bn", &TrainingConfig::sync_bn, may_change,
            "batch norms use the statistics of the samples of all ranks");
  add_freezing(group);
  group.add("seed", "N", &TrainingConfig::seed, fixed_in_epoch, "seed of all random numbers");
  return group.options();
}

namespace {

void check_reproducible(const Config& config) {
  const TrainingConfig& training = config.training;
  const int64_t slices = training.reproducible;
  if (slices == 0) return;
  if (!std::has_single_bit(static_cast<uint64_t>(slices)))
    usage("--reproducible expects a power of two, found ", slices);
  if (training.accumulate > 1)
    usage("--reproducible ", slices, " expects --accumulate 1, found ", training.accumulate,
          ": the slices are micro-batches already");
  if (training.sync_bn)
    usage("--reproducible ", slices, " expects --sync-bn off, found on: the slices are computed ",
          "one by one, so there are no statistics over all of them");
  const OptimizerConfig& optimizer = config.optimizer;
  const bool uses_norms = optimizer.kind == OptimizerChoice::lars ||
                          optimizer.kind == OptimizerChoice::lamb ||
                          config.regularisation.clip_norm > 0;
  if (optimizer.shard && uses_norms)
    usage("--reproducible ", slices, " expects --shard-optimizer off with lars, lamb and ",
          "--clip-norm, found on: the norms would be sums over ranks, in an order of their own");
  if (config.machine.device == DeviceChoice::cuda)
    usage("--reproducible ", slices, " expects --device cpu, found cuda: sums on GPUs and between ",
          "them have other orders");
}

}  // namespace

void check_training(const Config& config, const Given& given) {
  check_reproducible(config);
  if (config.training.sync_bn && config.training.accumulate > 1)
    usage("--sync-bn on expects --accumulate 1, found ", config.training.accumulate);
  if (given.count("unfreeze-after") > 0 && config.training.unfreeze_after.number > 0 &&
      config.training.freeze.empty())
    usage("--unfreeze-after ", config.training.unfreeze_after.text,
          " has no effect without --freeze");
}

void check_ranks(const TrainingConfig& training, int ranks) {
  if (training.batch_size / training.accumulate < ranks && training.accumulate > 1)
    usage("--accumulate ", training.accumulate, " expects a --batch-size of at least ",
          training.accumulate, " x ", ranks, " ranks, found ", training.batch_size);
  if (training.reproducible > 0 && training.reproducible % ranks != 0)
    usage("--reproducible ", training.reproducible, " expects a number of ranks that divides ",
          training.reproducible, ", found ", ranks);
  if (training.batch_size < training.reproducible)
    usage("--reproducible ", training.reproducible, " expects a --batch-size of at least ",
          training.reproducible, ", found ", training.batch_size);
  if (training.batch_size < ranks)
    usage("--batch-size is the global batch: expected at least one sample for each of the ", ranks,
          " ranks, found ", training.batch_size);
}

DType activation_type(PrecisionChoice precision) {
  if (precision == PrecisionChoice::fp16) return DType::f16;
  return precision == PrecisionChoice::bf16 ? DType::bf16 : DType::f32;
}

}  // namespace d2l::launcher
