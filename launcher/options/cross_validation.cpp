#include "launcher/options/cross_validation.h"

#include <algorithm>

#include "data/loading/sampler.h"
#include "launcher/options/config.h"
#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

int groups_of(const CrossValidationConfig& options, int ranks) {
  if (!options.has_all_folds()) return 1;
  return static_cast<int>(std::min<int64_t>(ranks, options.folds));
}

int largest_group(const CrossValidationConfig& options, int ranks) {
  return static_cast<int>(share_begin(ranks, groups_of(options, ranks), 1));
}

int smallest_group(const CrossValidationConfig& options, int ranks) {
  return ranks / groups_of(options, ranks);
}

std::vector<Option> cross_validation_options() {
  using enum ResumeRule;
  OptionGroup group("Cross-validation", &Config::cross_validation);
  group
      .add(
          "kfold", "K", &CrossValidationConfig::folds, fixed_in_run,
          "K-fold cross-validation: divide the training data into K folds, and train K times. Each "
          "training evaluates on one fold and trains on all others. The test data are not used. "
          "The run folder contains a folder fold-I for each training, and kfold.csv with the "
          "results. Several ranks share the folds among them. 0: no cross-validation")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add("fold", "I", &CrossValidationConfig::fold, fixed_in_run,
           "with --kfold: do only the training that evaluates on fold I, from 1 to K, for example "
           "in a job array. 0: do all")
      .up_to(kMostCounted)
      .not_with("time");
  group
      .add(
          "kfold-shuffle", &CrossValidationConfig::shuffle, fixed_in_run,
          "with --kfold: draw the samples of each fold at random from --seed. Use it for data that "
          "are sorted, for example by class. off: folds are consecutive samples")
      .not_with("time");
  group
      .add("kfold-seed", "N", &CrossValidationConfig::seed, fixed_in_run,
           "the seed of --kfold-shuffle")
      .no_flag();
  return group.options();
}

void check_cross_validation(const Config& config, const Given& /*given*/) {
  const CrossValidationConfig& wanted = config.cross_validation;
  if (wanted.folds == 1) usage("--kfold expects at least 2 folds, found 1");
  if (wanted.folds == 0 && wanted.fold > 0)
    usage("--fold ", wanted.fold, " has no effect without --kfold");
  if (wanted.folds == 0 && wanted.shuffle) usage("--kfold-shuffle has no effect without --kfold");
  if (wanted.fold > wanted.folds)
    usage("--fold expects a fold from 1 to ", wanted.folds, " (--kfold), found ", wanted.fold);
  if (wanted.has_all_folds() && !config.run.from.empty())
    usage("--from ", config.run.from, " expects the run of one fold: --resume ", config.run.resume,
          "/fold-I");
}

}  // namespace d2l::launcher
