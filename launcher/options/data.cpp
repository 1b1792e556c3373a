#include "launcher/options/data.h"

#include "data/catalog.h"
#include "framework/base/text.h"
#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

template <>
const WordTable<ShuffleChoice>& words_of() {
  static const WordTable<ShuffleChoice> kWords = {{ShuffleChoice::global, "global"},
                                                  {ShuffleChoice::blocks, "blocks"}};
  return kWords;
}

template <>
const WordTable<data::OnBadSample>& words_of() {
  static const WordTable<data::OnBadSample> kWords = {{data::OnBadSample::fail, "fail"},
                                                      {data::OnBadSample::skip, "skip"}};
  return kWords;
}

std::vector<Option> data_options() {
  using enum ResumeRule;
  OptionGroup group("Data", &Config::data);
  group
      .add("data", "NAME", &DataConfig::name, fixed_in_epoch,
           "dataset: " + join(data::dataset_names(), ", ") +
               "; synthetic-HxWxC, generated images of this size, for example synthetic-224x224x3; "
               "or the path of a folder of shards (./NAME if the folder has the same name as a "
               "dataset)")
      .path()
      .per_rank()
      .compared_by_contents();
  group
      .add("data-dir", "DIR", &DataConfig::folder, may_change,
           "folder that contains the files of the dataset, directly or in a subfolder with the "
           "name of the dataset")
      .path()
      .per_rank();
  group
      .add("resize", "N", &DataConfig::resize, fixed_in_epoch,
           "resize images to N x N by bilinear interpolation, if no step of --augment or "
           "--eval-transform sets their size; 0: keep their size")
      .up_to(4096);
  group.add("shuffle", &DataConfig::shuffle, fixed_in_epoch,
            "order of the training samples. global: every order is equally likely. blocks: for "
            "datasets that are larger than memory: reads blocks of neighbouring samples (about 1 "
            "MiB in shards) in random order, and mixes the samples of --shuffle-window blocks");
  group
      .add("shuffle-window", "N", &DataConfig::shuffle_window, fixed_in_epoch,
           "blocks whose samples are mixed at a time. Each batch draws from all of them. For more "
           "than " +
               std::to_string(data::Sampler::kDefaultWindow / data::BlockLanes::kBlocksPerLane) +
               " ranks: at least " + std::to_string(data::BlockLanes::kBlocksPerLane) +
               " for each rank, so that ranks need not read the same blocks")
      .from(static_cast<double>(data::Sampler::kSmallestWindow))
      .up_to(kMostCounted)
      .only_with("shuffle", {ShuffleChoice::blocks});
  group.add("on-bad-sample", &DataConfig::on_bad_sample, may_change,
            "what to do if the bytes of a sample are damaged or cannot be decoded. fail: stop. "
            "skip: use the next good sample of the dataset instead, name the damaged one in the "
            "log and count it; stop if there are more than 10 and more than 1 %");
  return group.options();
}

void check_data(const Config& config, const Given& /*given*/) {
  if (config.data.name.empty()) usage("--data expects the name of a dataset, found none");
}

}  // namespace d2l::launcher
