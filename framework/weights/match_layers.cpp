#include "framework/weights/match_layers.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "framework/base/error.h"

namespace d2l::weights {
namespace {

// Classes of layers.
constexpr size_t kConvolution = 0, kMatrix = 1, kNormalisation = 2, kClasses = 3;
constexpr std::array<const char*, kClasses> kClassNames = {"convolutions", "dense layers",
                                                           "normalisations"};
// Arrays of a layer.
constexpr size_t kWeight = 0, kBias = 1, kMean = 2, kVariance = 3, kKinds = 4;
struct KindName {
  const char* name;
  size_t kind;
};
constexpr KindName kModelKinds[] = {
    {"weight", kWeight}, {"bias", kBias}, {"running_mean", kMean}, {"running_var", kVariance}};
constexpr KindName kFileKinds[] = {{"kernel", kWeight},    {"bias", kBias},
                                   {"gamma", kWeight},     {"beta", kBias},
                                   {"moving_mean", kMean}, {"moving_variance", kVariance}};

struct Layer {
  std::string name;
  std::array<std::optional<size_t>, kKinds> arrays = {};  // positions in the list
};

using Layers = std::array<std::vector<Layer>, kClasses>;

// Collects arrays to layers, in the order of their first arrays.
class Collector {
 public:
  Collector(std::span<const KindName> kinds, char separator)
      : kinds_(kinds), separator_(separator) {}

  void add(size_t index, const std::string& name, const Shape& shape) {
    const size_t at = name.rfind(separator_);
    const std::string last = at == name.npos ? name : name.substr(at + 1);
    const auto kind = std::find_if(kinds_.begin(), kinds_.end(),
                                   [&](const KindName& known) { return last == known.name; });
    check(kind != kinds_.end(), "'", name,
          "' is neither a weight, a bias nor a part of a batch normalisation");
    const std::string layer = at == name.npos ? "" : name.substr(0, at);
    const auto [position, is_new] = positions_.try_emplace(layer, layers_.size());
    if (is_new) layers_.push_back({layer});
    layers_[position->second].arrays[kind->kind] = index;
    if (kind->kind == kWeight) ranks_[layer] = shape.rank();
  }

  Layers layers() const {
    Layers result;
    for (const Layer& layer : layers_) {
      const auto rank = ranks_.find(layer.name);
      const int found = rank == ranks_.end() ? 1 : rank->second;
      check(found == 4 || found == 2 || found == 1, "the weight of '", layer.name, "' has ", found,
            " axes");
      result[found == 4 ? kConvolution : found == 2 ? kMatrix : kNormalisation].push_back(layer);
    }
    return result;
  }

 private:
  std::span<const KindName> kinds_;
  char separator_;
  std::vector<Layer> layers_;
  std::map<std::string, size_t> positions_;
  std::map<std::string, int> ranks_;  // of weights
};

Layers layers_of(const std::vector<ModelArray>& arrays) {
  Collector collector(kModelKinds, '.');
  for (size_t i = 0; i < arrays.size(); ++i) {
    check(!arrays[i].in_block, "Keras' layers are matched by their order, and that of '",
          arrays[i].name, "', in a block with several layers, is not known");
    collector.add(i, arrays[i].name, arrays[i].shape);
  }
  return collector.layers();
}

Layers layers_of(const WeightFile& file) {
  check(file.order_fault().empty(),
        "Keras' layers are matched by their order, which is not known: ", file.order_fault());
  Collector collector(kFileKinds, '/');
  for (size_t i = 0; i < file.weights().size(); ++i)
    collector.add(i, file.weights()[i].name, file.weights()[i].shape);
  return collector.layers();
}

std::vector<ArrayPair> pairs_of(const Layers& model, const WeightFile& file) {
  const Layers found = layers_of(file);
  std::vector<ArrayPair> pairs;
  for (size_t kind = 0; kind < kClasses; ++kind) {
    const auto& wanted = model[kind];
    const auto& given = found[kind];
    check(given.size() <= wanted.size(), "expected ", wanted.size(), " ", kClassNames[kind],
          ", as the network has, found ", given.size());
    for (size_t i = 0; i < given.size(); ++i)
      for (size_t part = 0; part < kKinds; ++part) {
        const auto array = wanted[i].arrays[part], weight = given[i].arrays[part];
        if (!weight) continue;
        check(array.has_value(), "'", file.weights()[*weight].name, "' has no counterpart in '",
              wanted[i].name, "', the layer of the network in the same place");
        pairs.push_back({*array, *weight});
      }
  }
  return pairs;
}

}  // namespace

Match match_layers(const std::vector<ModelArray>& arrays, const WeightFile& file) {
  Match result;
  std::vector<ArrayPair> pairs;
  try {
    pairs = pairs_of(layers_of(arrays), file);
  } catch (const Error& error) {
    result.obstacle = error.what();
    for (size_t i = 0; i < file.weights().size(); ++i) result.unused.push_back(i);
  }
  std::vector<bool> is_found(arrays.size());
  for (const ArrayPair& pair : pairs) {
    is_found[pair.array] = true;
    const bool good = fits(arrays[pair.array], file.weights()[pair.weight].shape, file.layout());
    (good ? result.loaded : result.mismatched).push_back(pair);
  }
  for (size_t i = 0; i < arrays.size(); ++i)
    if (!is_found[i]) result.fresh.push_back(i);
  return result;
}

}  // namespace d2l::weights
