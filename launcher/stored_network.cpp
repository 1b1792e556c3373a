#include "launcher/stored_network.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "data/catalog.h"
#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "launcher/assemble.h"
#include "launcher/dataset_text.h"
#include "launcher/options/usage.h"
#include "launcher/pipelines.h"
#include "launcher/resume.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;
using Warn = std::function<void(const std::string& message)>;
using Found = CheckpointStore::Found;

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

// What the checkpoint says about its training data, or else the data that the user names.
data::DatasetInfo training_data(const Found& found, const Config& config, const NamedData& data) {
  const auto& texts = found.snapshot.texts;
  const std::string path = found.path.string();
  const auto text = texts.find("dataset");
  if (text != texts.end()) {
    if (!data.name.empty())
      throw UsageError("--data " + data.name + " has no effect: " + path +
                       " describes its training data");
    data::DatasetInfo info = parse_dataset_text(text->second, path);
    const auto table = texts.find("table");
    if (table != texts.end()) info.table = table->second;
    return info;
  }
  check(!data.name.empty(), path,
        ": expected a description of the training data, found none, because an older version of "
        "d2l wrote it; d2l-predict takes the training data with --data ",
        config.data.name, " --data-dir ", config.data.folder);
  const auto dataset = data::open_dataset(data.name, data.folder, data::Split::train);
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

Snapshot weights_of(Found&& found, bool averaged) {
  Snapshot weights;
  const std::string prefix = averaged ? "ema/" : "";
  for (auto& [name, array] : found.snapshot.arrays)
    if (name.starts_with(prefix + "parameters/") || name.starts_with(prefix + "buffers/"))
      weights.arrays.emplace(name.substr(prefix.size()), std::move(array));
  const std::string bad = first_not_finite(weights);
  check(bad.empty(), found.path.string(), ": ", bad,
        ": expected numbers, found elements that are not finite");
  return weights;
}

}  // namespace

int64_t StoredNetwork::parameter_count() const {
  int64_t count = 0;
  for (const auto& [name, array] : weights.arrays)
    if (name.starts_with("parameters/")) count += array.shape.elements();
  return count;
}

data::TableForm StoredNetwork::table_form() const {
  try {
    return data::TableForm::parse(data.table);
  } catch (const Error& error) {
    fail(path.string(), ": table: ", error.what());
  }
}

std::string StoredNetwork::step_text() const {
  return step == 0 ? "" : " after step " + with_thousands(step);
}

std::string StoredNetwork::class_name(int64_t label) const {
  return data.class_names.empty() ? std::to_string(label)
                                  : data.class_names[static_cast<size_t>(label)];
}

std::string best_result(const Snapshot& snapshot) {
  const std::string prefix = "progress/best_";
  const auto evaluated = snapshot.integers.find("progress/evaluated_step");
  const auto best = snapshot.reals.lower_bound(prefix);
  if (evaluated == snapshot.integers.end() || evaluated->second < 0 ||
      best == snapshot.reals.end() || !best->first.starts_with(prefix))
    return "";
  return concat("test ", best->first.substr(prefix.size()), " ", rounded(best->second));
}

ChosenCheckpoint choose_checkpoint(const CheckpointChoice& choice, const Warn& warn) {
  const fs::path& run = choice.run;
  std::error_code ignored;
  check(fs::exists(run, ignored), run.string(),
        ": expected a run folder or a checkpoint, found no such file or folder");
  if (!fs::is_directory(run)) {
    if (!choice.from.empty())
      throw UsageError("--from " + choice.from +
                       " has no effect with a checkpoint, only with a run folder, found " +
                       run.string());
    return {CheckpointStore::read(run), ""};
  }
  const fs::path folder =
      fs::is_directory(run / "checkpoints", ignored) ? run / "checkpoints" : run;
  if (!choice.from.empty())
    return {CheckpointStore::read(named_checkpoint(choice.from, folder)), ""};
  if (std::optional<Found> best = best_of(folder, warn)) {
    const std::string result = best_result(best->snapshot);
    return {std::move(*best), "best checkpoint" + (result.empty() ? "" : ": " + result)};
  }
  std::optional<Found> newest = CheckpointStore::newest_valid(folder, warn);
  check(newest.has_value(), run.string(), ": expected a run folder with ",
        CheckpointStore::steps(folder).empty() ? "a checkpoint (checkpoints/step-*.h5), found none"
                                               : "a valid checkpoint, found only damaged ones");
  return {std::move(*newest), "newest checkpoint"};
}

StoredNetwork stored_network(ChosenCheckpoint chosen, const NamedData& data) {
  Found& found = chosen.found;
  StoredNetwork network;
  network.path = found.path;
  network.choice = chosen.reason;
  const auto step = found.snapshot.integers.find("progress/step");
  network.step = step == found.snapshot.integers.end() ? 0 : step->second;
  network.config = resume_point(found).config;
  network.data = training_data(found, network.config, data);
  network.input = train_shape(pipelines_of(network.config), network.data.shape);
  network.is_averaged = network.config.regularisation.ema > 0;
  network.weights = weights_of(std::move(found), network.is_averaged);
  return network;
}

LoadedNetwork load_network(const StoredNetwork& network, Backend& backend) {
  const ModelConfig& config = network.config.model;
  const std::string origin = network.path.string();
  // No memory is allocated for what the file does not contain.
  const std::unique_ptr<Backend> dry = make_dry_backend();
  const auto dry_model = make_model(config, network.input, network.classes());
  const nn::ParameterSet dry_parameters(*dry_model, *dry, std::nullopt);
  const int64_t expected = dry_parameters.count(), found = network.parameter_count();
  check(expected == found, origin, ": expected the ", with_thousands(expected), " parameters of ",
        config.name, ", found ", with_thousands(found));
  LoadedNetwork loaded;
  loaded.model = make_model(config, network.input, network.classes());
  loaded.parameters = std::make_unique<nn::ParameterSet>(*loaded.model, backend, std::nullopt);
  restore_snapshot(network.weights, origin,
                   [&](StateVisitor& visitor) { loaded.parameters->visit(visitor); });
  return loaded;
}

}  // namespace d2l::launcher
