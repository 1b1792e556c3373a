#include "launcher/setup.h"

#include <algorithm>
#include <filesystem>

#include "data/catalog.h"
#include "data/oddities.h"
#include "framework/base/path_text.h"
#include "framework/base/program.h"
#include "framework/base/text.h"
#include "framework/train/make_shards.h"
#include "launcher/assemble.h"
#include "launcher/batch_statistics.h"
#include "launcher/copy_folder.h"
#include "launcher/data_memory.h"
#include "launcher/dataset_text.h"
#include "launcher/fold_data.h"
#include "launcher/options/normalization.h"
#include "launcher/options/options.h"
#include "launcher/pipelines.h"
#include "launcher/resume.h"
#include "launcher/run_folder.h"
#include "launcher/stored_config.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

data::Order order_of(ShuffleChoice choice) {
  return choice == ShuffleChoice::blocks ? data::Order::blocks : data::Order::shuffled;
}

// nullptr without a dataset.
std::unique_ptr<data::Loader> make_loader(const Config& config, const Machine& machine,
                                          data::Split split,
                                          std::shared_ptr<const data::Dataset> dataset) {
  if (!dataset) return nullptr;
  const bool train = split == data::Split::train;
  const Pipelines pipelines = pipelines_of(config);
  if (train)
    train_shape(pipelines, dataset->shape());  // throws if it does not fit
  else
    eval_shape(pipelines, dataset->shape());
  const TrainingConfig& training = config.training;
  const bool is_dropped = training.last_batch == data::LastBatch::drop;
  if (train && is_dropped && training.batch_size > dataset->samples())
    throw UsageError(concat("--last-batch drop expects a --batch-size of at most the ",
                            dataset->samples(), " training samples, found ", training.batch_size));
  // --time measures steps of full batches only.
  const bool drops =
      is_dropped || (config.machine.time > 0 && training.batch_size <= dataset->samples());
  return std::make_unique<data::Loader>(
      std::move(dataset), machine.host_memory(),
      data::LoaderOptions{
          .batch_size = training.batch_size,
          .seed = training.seed,
          .order = train ? order_of(config.data.shuffle) : data::Order::sequential,
          .window = config.data.shuffle_window,
          .last_batch = train && drops ? data::LastBatch::drop : data::LastBatch::keep,
          .rank = machine.comm->rank(),
          .ranks = machine.comm->size(),
          .slices = training.reproducible,
          .threads = machine.loader_threads,
          .queue_bytes =
              config.machine.loader_queue.bytes.value_or(data::LoaderOptions().queue_bytes),
          .pipeline = train ? pipelines.train : pipelines.eval,
          .on_bad_sample = config.data.on_bad_sample,
          .trace = machine.trace});
}

void check_same_kind(const data::Loader& train, const data::Loader* test) {
  if (test == nullptr) return;
  const data::Dataset &training = train.dataset(), &testing = test->dataset();
  check(test->sample_shape() == train.sample_shape() && testing.classes() <= training.classes(),
        training.name(), ": expected test samples of shape ", train.sample_shape(), " in at most ",
        training.classes(), " classes, like the training samples, found ", test->sample_shape(),
        " in ", testing.classes());
  check_class_names(training.info(), testing.info());
  check(testing.info().table == training.info().table, training.name(),
        ": expected test data in the form of the training data, found values of other columns; "
        "pack both with one command");
}

// Options about evaluations need some.
void check_evaluations(const Config& config, bool has_tests, int64_t steps_per_epoch) {
  const int64_t epochs = config.training.epochs, patience = config.training.patience;
  if (!has_tests && !config.run.best.empty())
    throw UsageError("--best " + config.run.best + " has no effect without test data");
  if (!has_tests && patience > 0)
    throw UsageError(concat("--patience ", patience, " has no effect without test data"));
  if (patience > 0 && config.run.eval_every > epochs * steps_per_epoch)
    throw UsageError(concat("--patience ", patience,
                            " expects evaluations: --eval-every of at most ",
                            epochs * steps_per_epoch, ", the steps of --epochs ", epochs,
                            ", found ", config.run.eval_every));
}

// The number of steps after which frozen parameters are trained; 0: never.
int64_t unfreeze_step(const TrainingConfig& training, int64_t steps_per_epoch) {
  const int64_t step = training.unfreeze_after.steps("--unfreeze-after", steps_per_epoch);
  const int64_t last = training.epochs * steps_per_epoch;
  if (step >= last)
    throw UsageError(concat("--unfreeze-after ", training.unfreeze_after.text,
                            " expects less than the ", last, " steps of --epochs ", training.epochs,
                            ", found ", step));
  return step;
}

TrainerOptions trainer_options(const Config& config, const Machine& machine,
                               const data::Loader& train_data) {
  const int64_t steps_per_epoch = train_data.steps_per_epoch();
  return {.epochs = config.training.epochs,
          .max_steps = config.training.max_steps,
          .save_every = config.run.save_every,
          .eval_every = config.run.eval_every,
          .best = config.run.best,
          .patience = config.training.patience,
          .log_every = config.run.log_every,
          .unfreeze_after = unfreeze_step(config.training, steps_per_epoch),
          .schedule = make_schedule(config, steps_per_epoch),
          .ema = config.regularisation.ema,
          .step = {.accumulate = config.training.accumulate,
                   .slices = config.training.reproducible,
                   .activations = activation_type(config.training.precision),
                   .normalisation =
                       parse_normalisation(config.images.normalize, train_data.dataset().info()),
                   .augmentation = config.augmentation.augment.on_device(),
                   .loss_scale = {.constant = config.training.loss_scale},
                   .sync_batch_norm = config.training.sync_bn,
                   .clip_value = config.regularisation.clip_value,
                   .clip_norm = config.regularisation.clip_norm,
                   .record = machine.can_record_steps &&
                             config.machine.cuda_graph == GraphChoice::automatic,
                   .seed = config.training.seed},
          .texts = {{"config", to_ini(config)}}};
}

std::string count_text(const Setup& setup) {
  const int64_t frozen = setup.parameters.frozen_count(), until = setup.options.unfreeze_after;
  std::string text = with_thousands(setup.parameters.count()) + " parameters";
  if (frozen > 0) text += ", of which " + with_thousands(frozen) + " are frozen";
  if (frozen > 0 && until > 0) text += concat(" until step ", until);
  return text;
}

std::string samples_text(const Setup& setup) {
  const std::string training = with_thousands(setup.train_data->dataset().samples());
  if (!setup.test_data) return training + " samples, no test data";
  return concat(training, " + ", with_thousands(setup.test_data->samples()), " samples");
}

}  // namespace

Config checked_config(const CommandLine& given, int ranks) {
  const CommandLine line = with_known_run(given);
  Config config = effective_config(line);
  // A run may be resumed from another working folder.
  if (data::names_a_folder(config.data.name)) config.data.name = absolute_path(config.data.name);
  config.data.folder = absolute_path(config.data.folder);
  if (!config.model.weights.empty()) config.model.weights = absolute_path(config.model.weights);
  if (config.run.out.empty()) config.run.out = default_folder(config);
  if (!config.run.also_save_to.empty())
    config.run.also_save_to = absolute_path(config.run.also_save_to);
  check_copy_folder(config);
  validate(config, line.given);
  if (config.augmentation.augment.sets_size()) config.data.resize = 0;  // of the recipe
  CrossValidationConfig& folds = config.cross_validation;
  check_ranks(config.training, largest_group(folds, ranks));
  check_ranks(config.training, smallest_group(folds, ranks));
  // --seed may change when the run is resumed; the folds must not.
  if (config.run.resume.empty()) folds.seed = folds.shuffle ? config.training.seed : 0;
  return config;
}

Facts facts_of(const Config& config) {
  Facts facts = {{"the build of d2l-train", program_id()}};
  for (const Option& option : options())
    if (!option.of_each_rank) facts.push_back({"--" + option.name, option.member->text(config)});
  return facts;
}

Setup::Setup(const Config& config, const Machine& machine, Backend& backend)
    : Setup(config, machine, backend, open_run_data(config, machine.comm->size())) {}

Setup::Setup(const Config& config, const Machine& machine, Backend& backend, const data::Fold& data)
    : train_data(make_loader(config, machine, data::Split::train, data.train)),
      test_data(make_loader(config, machine, data::Split::test, data.test)),
      train_fingerprint(train_data->dataset().fingerprint()),
      test_fingerprint(test_data ? test_data->dataset().fingerprint() : "none"),
      model(make_model(config.model, train_data->sample_shape(), train_data->dataset().classes())),
      parameters(*model, backend, config.training.seed),
      objective(make_objective(config, train_data->dataset().info(), backend)),
      options(trainer_options(config, machine, *train_data)) {
  check_same_kind(*train_data, test_data.get());
  deciding_metric(objective->metrics(), config.run.best);  // throws if there is no such metric
  check_evaluations(config, test_data != nullptr, train_data->steps_per_epoch());
  options.texts["data"] = train_fingerprint;
  const data::DatasetInfo& info = train_data->dataset().info();
  options.texts["dataset"] = dataset_text(info);
  if (info.is_table()) options.texts["table"] = info.table;
  statistics_warning = check_batch_statistics(config, *train_data, machine.comm->size());
  parameters.freeze(config.training.freeze);
  if (config.optimizer.shard) shards = make_shards(parameters, *machine.comm);
  optimizer = make_optimizer(config, parameters, shards ? &*shards : nullptr);
}

TrainerParts Setup::parts(Communicator& comm, Log& log) {
  return {.model = *model,
          .objective = *objective,
          .parameters = parameters,
          .optimizer = *optimizer,
          .comm = comm,
          .train_data = *train_data,
          .test_data = test_data.get(),
          .log = log,
          .shards = shards ? &*shards : nullptr};
}

Facts Setup::facts() const {
  return {{"the training data", train_fingerprint},
          {"the test data", test_fingerprint},
          {"the number of parameters", std::to_string(parameters.count())},
          {"the number of steps in an epoch", std::to_string(train_data->steps_per_epoch())}};
}

std::string description(const Config& config, const Setup& setup, const Machine& machine,
                        const Backend& backend) {
  return concat(config.model.name, ", ", count_text(setup), "; ",
                setup.train_data->dataset().name(), ", ", samples_text(setup), "; ",
                machine.comm->describe(), "; ", to_string(machine.threads), "; ",
                backend.describe());
}

std::string warnings(const Config& config, const Machine& machine, const Setup& setup) {
  const data::Loader& train_data = *setup.train_data;
  std::string text;
  if (!setup.statistics_warning.empty()) text += setup.statistics_warning + "\n";
  if (!machine.fallback_reason.empty())
    text += concat("--device auto has chosen the CPU: ", machine.fallback_reason, "\n");
  if (!machine.thread_warning.empty()) text += machine.thread_warning + "\n";
  if (!machine.watch_warning.empty()) text += machine.watch_warning + "\n";
  const std::string cache = cache_warning(config, machine.comm->size(), train_data.dataset());
  if (!cache.empty()) text += cache + "\n";
  const int64_t batch_size = config.training.batch_size;
  if (batch_size > train_data.samples())
    text += concat("--batch-size ", batch_size, " is larger than the training set of ",
                   train_data.samples(), " samples: each step uses all of them\n");
  const data::Dataset& training = train_data.dataset();
  for (const std::string& line :
       setup.test_data ? data::oddities(training, setup.test_data->dataset())
                       : data::oddities(training, data::Split::train, training.samples()))
    text += line + "\n";
  const std::string fold =
      setup.test_data ? fold_warning(config, training, setup.test_data->dataset()) : "";
  if (!fold.empty()) text += fold + "\n";
  return text;
}

}  // namespace d2l::launcher
