#include "launcher/predict/stored_network.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "data/catalog.h"
#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "launcher/assemble.h"
#include "launcher/dataset_text.h"
#include "launcher/options/usage.h"
#include "launcher/pipelines.h"
#include "launcher/ranks.h"
#include "launcher/resume.h"

namespace d2l::predict {
namespace {

namespace fs = std::filesystem;
using Warn = std::function<void(const std::string& message)>;
using Found = CheckpointStore::Found;

// A checkpoint and the reason for it.
struct Choice {
  std::optional<Found> found;
  std::string reason;
};

std::optional<Found> best_of(const fs::path& folder, const Warn& warn) {
  const fs::path path = folder / "best.h5";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  try {
    return CheckpointStore::read(path);
  } catch (const Error& error) {
    warn(concat(error.what(), "; skipped"));
    return std::nullopt;
  }
}

Choice choose(const PredictOptions& options, const Warn& warn) {
  const fs::path run = options.run;
  std::error_code ignored;
  check(fs::exists(run, ignored), run.string(),
        ": expected a run folder or a checkpoint, found no such file or folder");
  if (!fs::is_directory(run)) {
    if (!options.from.empty())
      throw UsageError("--from " + options.from +
                       " has no effect with a checkpoint, only with a "
                       "run folder, found " +
                       run.string());
    return {CheckpointStore::read(run), ""};
  }
  const fs::path folder =
      fs::is_directory(run / "checkpoints", ignored) ? run / "checkpoints" : run;
  if (!options.from.empty())
    return {CheckpointStore::read(launcher::named_checkpoint(options.from, folder)), ""};
  Choice choice{best_of(folder, warn), "best checkpoint"};
  if (choice.found) return choice;
  choice = {CheckpointStore::newest_valid(folder, warn), "newest checkpoint"};
  check(choice.found.has_value(), run.string(), ": expected a run folder with ",
        CheckpointStore::steps(folder).empty() ? "a checkpoint (checkpoints/step-*.h5), found none"
                                               : "a valid checkpoint, found only damaged ones");
  return choice;
}

// What the checkpoint says about its training data, or else the data that the user names.
data::DatasetInfo training_data(const Found& found, const launcher::Config& config,
                                const PredictOptions& options) {
  const auto& texts = found.snapshot.texts;
  const std::string path = found.path.string();
  const auto text = texts.find("dataset");
  if (text != texts.end()) {
    if (!options.data.empty())
      throw UsageError("--data " + options.data + " has no effect: " + path +
                       " describes its training data");
    return launcher::parse_dataset_text(text->second, path);
  }
  check(!options.data.empty(), path,
        ": expected a description of the training data, found none, because an older version of "
        "d2l wrote it; name the training data: --data ",
        config.data.name, " --data-dir ", config.data.folder);
  const auto dataset = data::open_dataset(options.data, options.data_dir, data::Split::train);
  const auto stored = texts.find("data");
  if (stored != texts.end()) {
    const std::string fingerprint = dataset->fingerprint();
    check(stored->second == fingerprint, path, ": expected the training data ", stored->second,
          ", found --data ", fingerprint);
  }
  data::DatasetInfo info = dataset->info();
  info.samples = 0;
  return info;
}

Snapshot weights_of(const Found& found, bool averaged) {
  Snapshot weights;
  const std::string prefix = averaged ? "ema/" : "";
  for (const auto& [name, array] : found.snapshot.arrays)
    if (name.starts_with(prefix + "parameters/") || name.starts_with(prefix + "buffers/"))
      weights.arrays.emplace(name.substr(prefix.size()), array);
  const std::string bad = first_not_finite(weights);
  check(bad.empty(), found.path.string(), ": ", bad,
        ": expected numbers, found elements that are not finite");
  return weights;
}

StoredNetwork network_of(Choice choice, const PredictOptions& options) {
  const Found& found = *choice.found;
  StoredNetwork network;
  network.path = found.path;
  network.choice = choice.reason;
  const auto step = found.snapshot.integers.find("progress/step");
  network.step = step == found.snapshot.integers.end() ? 0 : step->second;
  network.config = launcher::resume_point(found).config;
  network.data = training_data(found, network.config, options);
  network.input = launcher::train_shape(launcher::pipelines_of(network.config), network.data.shape);
  network.is_averaged = network.config.regularisation.ema > 0;
  network.weights = weights_of(found, network.is_averaged);
  return network;
}

// Of all parameters that are stored.
int64_t count_elements(const Snapshot& weights) {
  int64_t count = 0;
  for (const auto& [name, array] : weights.arrays)
    if (name.starts_with("parameters/")) count += array.shape.elements();
  return count;
}

}  // namespace

std::string StoredNetwork::class_name(int64_t label) const {
  return data.class_names.empty() ? std::to_string(label)
                                  : data.class_names[static_cast<size_t>(label)];
}

StoredNetwork read_network(const PredictOptions& options, const MpiSession& session,
                           const Warn& warn) {
  Choice choice;
  launcher::run_on_all_ranks(session, [&] {
    if (session.rank() == 0) choice = choose(options, warn);
  });
  const auto path = session.gather(choice.found ? choice.found->path.string() : "")[0];
  StoredNetwork network;
  launcher::run_on_all_ranks(session, [&] {
    if (session.rank() != 0) choice.found = CheckpointStore::read(path);
    network = network_of(std::move(choice), options);
  });
  return network;
}

Preparation preparation_of(const StoredNetwork& network, const Shape& images) {
  const data::Pipeline steps = launcher::pipelines_of(network.config).eval;
  try {
    if (steps.result_shape(images) == network.input) return {steps, ""};
  } catch (const Error&) {  // they do not fit these images
  }
  const std::string size = concat(network.input[0], " x ", network.input[1]);
  return {data::Pipeline::parse(concat("resize ", network.input[0], "x", network.input[1])),
          concat("images are resized to the network's input, ", size,
                 ", without regard to their proportions: the run has no --eval-transform that "
                 "brings these images to this size")};
}

LoadedNetwork load_network(const StoredNetwork& network, Backend& backend) {
  const launcher::ModelConfig& config = network.config.model;
  const std::string origin = network.path.string();
  // No memory is allocated for what the file does not contain.
  const std::unique_ptr<Backend> dry = make_dry_backend();
  const auto dry_model = launcher::make_model(config, network.input, network.classes());
  const nn::ParameterSet dry_parameters(*dry_model, *dry, std::nullopt);
  const int64_t expected = dry_parameters.count(), found = count_elements(network.weights);
  check(expected == found, origin, ": expected the ", with_thousands(expected), " parameters of ",
        config.name, ", found ", with_thousands(found));
  LoadedNetwork loaded;
  loaded.model = launcher::make_model(config, network.input, network.classes());
  loaded.parameters = std::make_unique<nn::ParameterSet>(*loaded.model, backend, std::nullopt);
  restore_snapshot(network.weights, origin,
                   [&](StateVisitor& visitor) { loaded.parameters->visit(visitor); });
  return loaded;
}

}  // namespace d2l::predict
