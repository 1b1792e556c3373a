#include "launcher/fold_data.h"

#include <vector>

#include "data/catalog.h"
#include "framework/base/text.h"
#include "launcher/data_memory.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

std::shared_ptr<const data::Dataset> open_split(const Config& config, int ranks,
                                                data::Split split) {
  return data::open_dataset(config.data.name, config.data.folder, split,
                            shard_options(config, ranks, split));
}

// The test data; nullptr for a table without a split of this name.
std::shared_ptr<const data::Dataset> open_test(const Config& config, int ranks,
                                               const data::Dataset& train) {
  if (train.info().is_table())
    return data::find_dataset(config.data.name, config.data.folder, data::Split::test);
  return open_split(config, ranks, data::Split::test);
}

// A fold of unsorted data almost never lacks a class with this many samples in an average fold.
constexpr int64_t kMany = 10;

std::string classes_text(int64_t classes) {
  return concat(classes, classes == 1 ? " class" : " classes");
}

}  // namespace

std::shared_ptr<const data::Dataset> open_training_data(const Config& config, int ranks) {
  std::shared_ptr<const data::Dataset> dataset = open_split(config, ranks, data::Split::train);
  if (config.cross_validation.folds > dataset->samples())
    usage("--kfold expects at most as many folds as there are training samples, ",
          dataset->samples(), ", found ", config.cross_validation.folds);
  return dataset;
}

data::Fold open_run_data(const Config& config, int ranks) {
  const CrossValidationConfig& options = config.cross_validation;
  std::shared_ptr<const data::Dataset> train = open_training_data(config, ranks);
  if (options.folds == 0) return {train, open_test(config, ranks, *train)};
  return data::make_fold(train, {.folds = options.folds,
                                 .fold = options.fold,
                                 .shuffle = options.shuffle,
                                 .seed = options.seed});
}

std::string fold_folder(const std::string& folder, int64_t fold) {
  return concat(folder, "/fold-", fold);
}

std::string fold_note(const Config& config, const data::Dataset& train, const data::Dataset& test) {
  const CrossValidationConfig& options = config.cross_validation;
  if (options.folds == 0) return "";
  return concat("trains on ", with_thousands(train.samples()), " of the training samples of ",
                train.name(), ", evaluates on the other ", with_thousands(test.samples()),
                " (fold ", options.fold, " of ", options.folds,
                options.shuffle ? ", drawn at random" : "", "); the test data are not used");
}

std::string fold_warning(const Config& config, const data::Dataset& train,
                         const data::Dataset& test) {
  const CrossValidationConfig& options = config.cross_validation;
  if (options.folds == 0 || options.shuffle) return "";
  const std::vector<int64_t> trained = train.class_counts(train.samples()),
                             tested = test.class_counts(test.samples());
  int64_t only_there = 0, not_there = 0;
  for (size_t label = 0; label < trained.size(); ++label) {
    only_there += trained[label] == 0 && tested[label] > 1;
    not_there += tested[label] == 0 && trained[label] >= kMany * options.folds;
  }
  if (only_there + not_there == 0) return "";
  return concat("fold ", options.fold, " of ", options.folds, " has ",
                only_there > 0 ? "all training samples of " + classes_text(only_there) : "",
                only_there > 0 && not_there > 0 ? ", and " : "",
                not_there > 0 ? "no samples of " + classes_text(not_there) : "",
                ": the training data seem to be sorted by class; use --kfold-shuffle on");
}

}  // namespace d2l::launcher
