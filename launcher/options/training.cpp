#include "launcher/options/training.h"

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

std::vector<Option> training_options() {
  using enum ResumeRule;
  OptionGroup group("Training", &Config::training);
  group.add("epochs", "N", &TrainingConfig::epochs, may_change, "passes over the training data")
      .from(1)
      .up_to(kMostCounted);
  group
      .add("max-steps", "N", &TrainingConfig::max_steps, may_change,
           "stop after this many steps; 0: no limit")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add("batch-size", "N", &TrainingConfig::batch_size, fixed_in_epoch,
           "samples per step, over all ranks")
      .from(1)
      .up_to(kMostCounted);
  group.add("last-batch", &TrainingConfig::last_batch, fixed_in_epoch,
            "what becomes of the last batch of an epoch if it is smaller than the others: keep it, "
            "or drop it; each epoch leaves out other samples");
  group
      .add("accumulate", "N", &TrainingConfig::accumulate, may_change,
           "cut each rank's part of a batch into N pieces and add up their gradients: the same "
           "step with less memory")
      .from(1);
  group.add("precision", &TrainingConfig::precision, may_change,
            "what images and activations are stored as and multiplied in; weights, sums, "
            "statistics and losses stay f32. Some CPUs only store bf16, and multiply in f32. On "
            "GPUs only: fp16, with loss scaling, and tf32, stored as f32 and multiplied in 19 "
            "bits");
  group
      .add("loss-scale", "X", &TrainingConfig::loss_scale, may_change,
           "the factor by which fp16 scales the loss, and so all gradients; 0: starts with 65536, "
           "halves when gradients overflow, which skips the step, and doubles after 2000 steps "
           "without an overflow")
      .from(0)
      .up_to(1e30)
      .only_with("precision", {PrecisionChoice::fp16});
  group.add("sync-bn", &TrainingConfig::sync_bn, may_change,
            "batch norms use the statistics of all ranks' samples");
  group
      .add("freeze", "PATTERN,...", &TrainingConfig::freeze, may_change,
           "parameters that stay as they are, such as layer1.*; a normalisation that is frozen "
           "keeps its statistics")
      .may_be_empty();
  group.add("seed", "N", &TrainingConfig::seed, fixed_in_epoch, "decides all random numbers");
  return group.options();
}

void check_training(const Config& config, const Given& /*given*/) {
  if (config.training.sync_bn && config.training.accumulate > 1)
    usage("--sync-bn on expects --accumulate 1, found ", config.training.accumulate);
}

void check_ranks(const TrainingConfig& training, int ranks) {
  if (training.batch_size / training.accumulate < ranks && training.accumulate > 1)
    usage("--accumulate ", training.accumulate, " expects a --batch-size of at least ",
          training.accumulate, " x ", ranks, " ranks, found ", training.batch_size);
  if (training.batch_size < ranks)
    usage("--batch-size is the global batch: expected at least one sample for each of the ", ranks,
          " ranks, found ", training.batch_size);
}

DType activation_type(PrecisionChoice precision) {
  if (precision == PrecisionChoice::fp16) return DType::f16;
  return precision == PrecisionChoice::bf16 ? DType::bf16 : DType::f32;
}

}  // namespace d2l::launcher
