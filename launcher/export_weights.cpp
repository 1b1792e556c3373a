#include "launcher/export_weights.h"

#include <cstring>
#include <vector>

#include "framework/base/text.h"
#include "framework/weights/safetensors.h"
#include "launcher/assemble.h"
#include "launcher/dataset_text.h"
#include "launcher/network_arrays.h"
#include "launcher/options/normalization.h"
#include "launcher/pipelines.h"

namespace d2l::launcher {
namespace {

constexpr std::string_view kVariance = "running_var";  // a buffer that each batch norm has

const Snapshot::Array& stored_array(const StoredNetwork& network,
                                    const weights::ModelArray& array) {
  const auto& arrays = network.weights.arrays;
  auto found = arrays.find("parameters/" + array.name);
  if (found == arrays.end()) found = arrays.find("buffers/" + array.name);
  check(found != arrays.end(), network.path.string(), ": expected the arrays of ",
        network.config.model.name, ", found no ", array.name);
  check(found->second.shape == array.shape && found->second.dtype == DType::f32,
        network.path.string(), ": expected ", array.name, " f32 ", array.shape, ", found ",
        to_string(found->second.dtype), " ", found->second.shape);
  return found->second;
}

weights::WeightToWrite weight_of(const StoredNetwork& network, const weights::ModelArray& array) {
  const Snapshot::Array& stored = stored_array(network, array);
  return {array.name, shape_in_file(array, weights::Layout::channels_first), [&stored, array] {
            std::vector<float> values(static_cast<size_t>(stored.shape.elements()));
            std::memcpy(values.data(), stored.bytes.data(), stored.bytes.size());
            return to_layout(array, values, weights::Layout::channels_first);
          }};
}

weights::WeightToWrite counter_of(const std::string& variance, int64_t steps) {
  const std::string module = variance.substr(0, variance.size() - kVariance.size());
  return {module + "num_batches_tracked", Shape{},
          [steps] { return std::vector<float>{static_cast<float>(steps)}; },
          weights::ElementType::i64};
}

std::string numbers_text(const std::vector<float>& numbers) {
  std::vector<std::string> words;
  words.reserve(numbers.size());
  for (const float number : numbers) words.push_back(concat(number));
  return join(words, ",");
}

}  // namespace

std::map<std::string, std::string> network_metadata(const StoredNetwork& network) {
  const Config& config = network.config;
  const Normalisation normalisation = parse_normalisation(config.images.normalize, network.data);
  std::map<std::string, std::string> metadata = {
      {"format", "pt"},
      {"model", config.model.name},
      {"width", std::to_string(config.model.width)},
      {"input", sizes_text(network.input)},
      {"classes", std::to_string(network.classes())},
      {"dataset", network.data.name},
      {"step", std::to_string(network.step)},
      {"eval_transform", pipelines_of(config).eval.text()}};
  if (!config.model.recipe.empty()) metadata["recipe"] = config.model.recipe;
  if (!network.data.class_names.empty())
    metadata["class_names"] = join(network.data.class_names, "\n");
  if (!normalisation.mean.empty()) {
    metadata["mean"] = numbers_text(normalisation.mean);
    metadata["std"] = numbers_text(normalisation.deviation);
  }
  return metadata;
}

void export_weights(const StoredNetwork& network, const std::filesystem::path& to) {
  const std::unique_ptr<Backend> dry = make_dry_backend();
  const auto model = make_model(network.config.model, network.input, network.classes());
  const nn::ParameterSet parameters(*model, *dry, std::nullopt);
  std::vector<weights::WeightToWrite> written;
  for (const weights::ModelArray& array : network_arrays(parameters, network.input)) {
    written.push_back(weight_of(network, array));
    if (array.name.ends_with(kVariance)) written.push_back(counter_of(array.name, network.step));
  }
  write_safetensors(to, written, network_metadata(network));
}

}  // namespace d2l::launcher
