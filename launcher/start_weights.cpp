#include "launcher/start_weights.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "framework/base/text.h"
#include "framework/checkpoint/checkpoint_weights.h"
#include "framework/checkpoint/store.h"
#include "framework/weights/match.h"
#include "models/zoo.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;
using weights::ArrayPair;
using weights::Match;
using weights::ModelArray;
using weights::WeightFile;

// The arrays of a network that a file may have, and their memory.
struct NetworkArrays {
  std::vector<ModelArray> arrays;
  std::vector<Tensor> tensors;
};

NetworkArrays arrays_of(nn::ParameterSet& parameters, int64_t input_channels) {
  NetworkArrays result;
  const auto& slots = parameters.slots();  // the last layer first
  for (size_t i = slots.size(); i-- > 0;) {
    const auto& slot = slots[i];
    result.arrays.push_back({.name = slot.name,
                             .shape = slot.shape,
                             .image = slot.parameter->image,
                             .is_head = slot.is_head,
                             .reads_input = i + 1 == slots.size() && slot.shape.rank() == 4 &&
                                            slot.shape[3] == input_channels});
    result.tensors.push_back(parameters.part(parameters.values(), i));
  }
  for (const auto& slot : parameters.buffer_slots()) {
    result.arrays.push_back({.name = slot.name, .shape = slot.buffer->shape});
    result.tensors.push_back(slot.buffer->tensor);
  }
  return result;
}

// A run folder stands for its best checkpoint, or else for its newest.
std::unique_ptr<WeightFile> open_file(const fs::path& path) {
  fs::path file = path;
  if (fs::is_directory(path)) {
    const fs::path folder = fs::is_directory(path / "checkpoints") ? path / "checkpoints" : path;
    const std::vector<int64_t> steps = CheckpointStore::steps(folder);
    file = folder / "best.h5";
    if (!fs::exists(file)) {
      check(!steps.empty(), path.string(),
            ": expected a file of weights or a run folder with checkpoints, found a folder without "
            "step-*.h5");
      file = CheckpointStore::path_of(folder, steps.back());
    }
  }
  return is_checkpoint(file) ? open_checkpoint_weights(file) : weights::open_weights(file);
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
    nn::ParameterSet parameters(*model, *dry, std::nullopt);
    const auto arrays = arrays_of(parameters, options.input[2]).arrays;
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
  for (const ArrayPair& pair : match.mismatched)
    if (!arrays[pair.array].is_head)
      faults.push_back(shapes_text(arrays[pair.array], file, pair.weight));
  for (const size_t array : match.fresh)
    if (!arrays[array].is_head)
      faults.push_back(concat(arrays[array].name, " ",
                              weights::shape_in_file(arrays[array], file.layout()),
                              " (not in the file)"));
  const std::string other = fitting_model(file, given.model);
  fail(file.path().string(), ": expected the weights of ", given.model, ", found ", faults.size(),
       " of ", arrays.size(), " arrays that do not match: ",
       first_of(faults.size(), 3, [&](size_t i) { return faults[i]; }),
       other.empty() ? "" : concat("; the file fits --model ", other));
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

std::string load_start_weights(const StartWeights& weights, nn::ParameterSet& parameters) {
  NetworkArrays network = arrays_of(parameters, weights.input_channels);
  const std::unique_ptr<WeightFile> file = open_file(weights.file);
  const Match match = d2l::weights::match(network.arrays, *file);
  if (!match.fits_body(network.arrays)) refuse(weights, *file, match, network.arrays);
  for (const ArrayPair& pair : match.loaded) {
    const std::vector<float> values = read_array(network.arrays[pair.array], *file, pair.weight);
    Tensor& tensor = network.tensors[pair.array];
    tensor.backend().copy_from_host(values.data(), tensor.view());
    tensor.backend().synchronize();  // `values` ends here
  }
  return report(weights, *file, match, network.arrays);
}

}  // namespace d2l::launcher
