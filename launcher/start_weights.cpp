#include "launcher/start_weights.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "framework/base/text.h"
#include "framework/checkpoint/checkpoint_weights.h"
#include "launcher/network_arrays.h"
#include "launcher/stored_network.h"
#include "models/zoo.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;
using weights::ArrayPair;
using weights::Match;
using weights::ModelArray;
using weights::WeightFile;

// The memory of network_arrays()[array].
Tensor tensor_of(nn::ParameterSet& parameters, size_t array) {
  const size_t count = parameters.slots().size();
  return array < count ? parameters.part(parameters.values(), count - 1 - array)
                       : parameters.buffer_slots()[array - count].buffer->tensor;
}

// "a, b, c and 7 more"
std::string first_of(size_t count, size_t most, const std::function<std::string(size_t)>& text) {
  std::vector<std::string> words;
  for (size_t i = 0; i < std::min(count, most); ++i) words.push_back(text(i));
  const std::string more = count > most ? concat(" and ", count - most, " more") : "";
  return join(words, ", ") + more;
}

// The name of the network of the zoo whose body the file has; empty if there is none.
std::string fitting_model(const WeightFile& file, const std::string& except) {
  const std::unique_ptr<Backend> dry = make_dry_backend();
  for (const std::string& name : models::model_names()) {
    if (name == except) continue;
    const models::ModelOptions options = models::usual_options(name);
    const auto model = models::build_model(name, options);
    const nn::ParameterSet parameters(*model, *dry, std::nullopt);
    const auto arrays = network_arrays(parameters, options.input);
    if (match(arrays, file).fits_body(arrays)) return name;
  }
  return "";
}

std::string shapes_text(const ModelArray& array, const WeightFile& file, size_t weight) {
  return concat(array.name, " ", weights::shape_in_file(array, file.layout()), " (in the file ",
                file.weights()[weight].shape, ")");
}

[[noreturn]] void refuse(const StartWeights& given, const WeightFile& file, const Match& match,
                         const std::vector<ModelArray>& arrays) {
  std::vector<std::string> faults;
  const auto must_match = [&](size_t array) { return given.is_whole || !arrays[array].is_head; };
  for (const ArrayPair& pair : match.mismatched)
    if (must_match(pair.array))
      faults.push_back(shapes_text(arrays[pair.array], file, pair.weight));
  for (const size_t array : match.fresh)
    if (must_match(array))
      faults.push_back(concat(arrays[array].name, " ",
                              weights::shape_in_file(arrays[array], file.layout()),
                              " (not in the file)"));
  const bool only_head = match.obstacle.empty() && match.fits_body(arrays);
  const std::string other = only_head ? "" : fitting_model(file, given.model);
  const std::string advice = other.empty() ? "" : concat("; the file fits --model ", other);
  if (!match.obstacle.empty())
    fail(file.path().string(), ": cannot be the weights of ", given.model, ": ", match.obstacle,
         advice);
  fail(file.path().string(), ": expected the weights of ", given.model, ", found ", faults.size(),
       " of ", arrays.size(), " arrays that do not match: ",
       first_of(faults.size(), 3, [&](size_t i) { return faults[i]; }), advice);
}

std::string report(const StartWeights& given, const WeightFile& file, const Match& match,
                   const std::vector<ModelArray>& arrays) {
  constexpr size_t kMost = 6;  // names in a line
  const auto line = [](const char* what, size_t count, const std::string& names) {
    return concat("\n  ", what, " ", count, count == 0 || names.empty() ? "" : ": ", names);
  };
  std::string prefix = match.prefix.empty() ? "" : concat(", names begin with ", match.prefix);
  return concat("weights of ", file.path().string(), " (", file.format(), prefix, ")",
                line("loaded    ", match.loaded.size(),
                     concat("of the ", arrays.size(), " arrays of ", given.model)),
                line("new       ", match.fresh.size(),
                     first_of(match.fresh.size(), kMost,
                              [&](size_t i) {
                                const ModelArray& array = arrays[match.fresh[i]];
                                return concat(array.name, " ", array.shape);
                              })),
                line("unused    ", match.unused.size(),
                     first_of(match.unused.size(), kMost,
                              [&](size_t i) { return file.weights()[match.unused[i]].name; })),
                line("mismatched", match.mismatched.size(),
                     first_of(match.mismatched.size(), kMost, [&](size_t i) {
                       const ArrayPair& pair = match.mismatched[i];
                       return shapes_text(arrays[pair.array], file, pair.weight);
                     })));
}

}  // namespace

std::unique_ptr<WeightFile> open_start_weights(const StartWeights& weights) {
  const fs::path& path = weights.file;
  if (!fs::is_directory(path) && !is_checkpoint(path)) return weights::open_weights(path);
  return checkpoint_weights(choose_checkpoint({path, ""}, weights.warn).found);
}

std::string load_start_weights(const StartWeights& weights, nn::ParameterSet& parameters) {
  return load_start_weights(weights, *open_start_weights(weights), parameters);
}

std::string load_start_weights(const StartWeights& weights, const WeightFile& file,
                               nn::ParameterSet& parameters) {
  const std::vector<ModelArray> arrays = network_arrays(parameters, weights.input);
  const Match match = d2l::weights::match(arrays, file);
  const bool fits =
      weights.is_whole ? match.loaded.size() == arrays.size() : match.fits_body(arrays);
  if (!fits) refuse(weights, file, match, arrays);
  for (const ArrayPair& pair : match.loaded) {
    const std::vector<float> values = read_array(arrays[pair.array], file, pair.weight);
    Tensor tensor = tensor_of(parameters, pair.array);
    tensor.backend().copy_from_host(values.data(), tensor.view());
    tensor.backend().synchronize();  // `values` ends here
  }
  return report(weights, file, match, arrays);
}

}  // namespace d2l::launcher
