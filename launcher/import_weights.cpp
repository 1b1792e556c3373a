#include "launcher/import_weights.h"

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "framework/base/text.h"
#include "framework/checkpoint/file.h"
#include "launcher/assemble.h"
#include "launcher/dataset_text.h"
#include "launcher/export_weights.h"
#include "launcher/start_weights.h"
#include "launcher/stored_config.h"

namespace d2l::launcher {
namespace {

using weights::WeightFile;

void check_class_names(const std::string& text, const StoredNetwork& like,
                       const std::string& origin) {
  const std::vector<std::string> found = split_lines(text), &expected = like.data.class_names;
  if (found == split_lines(join(expected, "\n"))) return;
  check(found.size() == expected.size(), origin, "expected the ", expected.size(),
        " class names of ", like.path.string(), ", found ", found.size());
  const auto [ours, other] = std::mismatch(expected.begin(), expected.end(), found.begin());
  fail(origin, "expected the class names of ", like.path.string(), ", found for class ",
       ours - expected.begin(), " '", visible(*other), "' instead of '", visible(*ours), "'");
}

std::string value(const std::map<std::string, std::string>& metadata, const char* name) {
  const auto found = metadata.find(name);
  return found == metadata.end() ? "none" : visible(found->second);
}

// The metadata of a file that export_weights() has written, or that say the same.
void compare_metadata(const WeightFile& file, const WeightsToImport& weights,
                      const StoredNetwork& like) {
  if (file.format() != "safetensors") return;
  const std::map<std::string, std::string> expected = network_metadata(like);
  const std::string origin = file.path().string() + ": metadata: ";
  for (const char* name : {"model", "classes"})
    check(file.texts().count(name) == 0 || value(file.texts(), name) == value(expected, name),
          origin, "expected ", name, " ", value(expected, name), " as in ", like.path.string(),
          ", found ", value(file.texts(), name));
  const auto names = file.texts().find("class_names");
  if (names != file.texts().end()) check_class_names(names->second, like, origin);
  if (file.texts().count("eval_transform") == 0) return;  // written by another program
  for (const char* name : {"input", "eval_transform", "mean", "std"}) {
    const std::string used = value(expected, name), found = value(file.texts(), name);
    if (found != used)
      weights.warn(concat(origin, name, " is ", found, ", but ", used, " in ", like.path.string(),
                          ", which is used"));
  }
}

std::map<std::string, std::string> texts_of(const StoredNetwork& like) {
  Config config = like.config;
  config.run.id.clear();
  std::map<std::string, std::string> texts = {{"config", to_ini(config)},
                                              {"dataset", dataset_text(like.data)}};
  if (like.data.is_table()) texts["table"] = like.data.table;
  return texts;
}

}  // namespace

std::string import_weights(const WeightsToImport& weights, const StoredNetwork& like,
                           const std::filesystem::path& to) {
  const StartWeights start = {.file = weights.file,
                              .model = like.config.model.name,
                              .input = like.input,
                              .warn = weights.warn,
                              .is_whole = true};
  const std::unique_ptr<WeightFile> file = open_start_weights(start);
  compare_metadata(*file, weights, like);
  const std::unique_ptr<Backend> backend = make_cpu_backend(1);
  const auto model = make_model(like.config.model, like.input, like.classes());
  nn::ParameterSet parameters(*model, *backend, std::nullopt);
  std::string report = load_start_weights(start, *file, parameters);
  Snapshot snapshot = take_snapshot([&](StateVisitor& visitor) { parameters.visit(visitor); });
  const std::string bad = first_not_finite(snapshot);
  check(bad.empty(), file->path().string(), ": ", bad,
        ": expected numbers, found elements that are not finite");
  // The options say that an evaluation uses averaged weights: those of the file.
  if (like.is_averaged)
    for (const auto& [name, array] : std::map(snapshot.arrays))
      snapshot.arrays.emplace("ema/" + name, array);
  snapshot.texts = texts_of(like);
  write_checkpoint(to, snapshot);
  return report;
}

}  // namespace d2l::launcher
