#include "framework/weights/keras_layout.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "framework/base/text.h"
#include "framework/weights/keras_group.h"

namespace d2l::weights {
namespace {

using hdf5::in_place;
using hdf5::require;

constexpr size_t kMostDepth = 32;
constexpr size_t kMostName = 1000;

void require_name(const std::string& name) {
  require(name.size() <= kMostName, "expected names of at most ", kMostName, " bytes, found '",
          visible(name.substr(0, 100)), "...'");
  require(!name.empty() && visible(name) == name,
          "expected names in UTF-8 without control characters, found '", visible(name), "'");
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// "kernel:0" -> "kernel", where the part behind the separator is a number.
std::string without_number(const std::string& name, char separator) {
  const size_t at = name.rfind(separator);
  return at != name.npos && is_number(std::string_view(name).substr(at + 1)) ? name.substr(0, at)
                                                                             : name;
}

hdf5::PlainArray read_array_at(const hdf5::Structures& file, uint64_t address,
                               const std::string& name) {
  return in_place("array '" + visible(name) + "': ", [&] {
    return read_plain_array(file, hdf5::Object(file, address), hdf5::Rank::any);
  });
}

// The files of Keras 1 and 2, and the .h5 files of Keras 3.
class ListedLayers {
 public:
  explicit ListedLayers(const hdf5::Structures& file) : file_(file) {}

  KerasContent read(const KerasGroup& model) {
    for (const std::string& layer : model.texts("layer_names")) {
      require_name(layer);
      require(layers_.insert(layer).second, "layer '", layer, "' is there twice");
      read_layer(model, layer);
    }
    constexpr const char* kOthers = "top_level_model_weights";
    if (model.has(kOthers) && !group(model.address(kOthers)).texts("weight_names").empty())
      content_.order_fault = "it has weights that belong to no layer";
    return std::move(content_);
  }

 private:
  // An array's name in parts: "model/conv2d/kernel:0" has the parent "model/conv2d".
  struct Parts {
    std::string parent, kind;
  };

  // In Keras 1, names are "conv_W" or "conv_W_1:0".
  static Parts split(const std::string& layer, const std::string& name) {
    const std::string plain = without_number(name, ':');
    const size_t slash = plain.rfind('/');
    if (slash != plain.npos) return {plain.substr(0, slash), plain.substr(slash + 1)};
    if (!plain.starts_with(layer + "_")) return {"", plain};
    const std::string kind = without_number(plain.substr(layer.size() + 1), '_');
    return {"", kind == "W" ? "kernel" : kind == "b" ? "bias" : kind};
  }

  void read_layer(const KerasGroup& model, const std::string& layer) {
    in_place("layer '" + layer + "': ", [&] {
      const uint64_t address = model.address(layer);
      const std::vector<std::string> names = group(address).texts("weight_names");
      std::set<std::string> parents;
      for (const std::string& name : names) {
        require_name(name);
        parents.insert(split(layer, name).parent);
      }
      // Keras lists the frozen weights of a model last.
      const bool is_model = parents.size() > 1;
      if (is_model)
        content_.order_fault = "layer '" + layer + "' is a model with layers of its own";
      for (const std::string& name : names) {
        const Parts parts = split(layer, name);
        content_.arrays.push_back({(is_model ? parts.parent : layer) + "/" + parts.kind,
                                   read_array_at(file_, find(address, name), name)});
      }
    });
  }

  // Follows a path with slashes.
  uint64_t find(uint64_t address, const std::string& path) {
    size_t begin = 0, depth = 0;
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', begin)) {
      require(++depth <= kMostDepth, "expected at most ", kMostDepth, " groups in '", path, "'");
      address = group(address).address(path.substr(begin, slash - begin));
      begin = slash + 1;
    }
    return group(address).address(path.substr(begin));
  }

  // The arrays of a layer are in the same groups.
  const KerasGroup& group(uint64_t address) {
    const auto found = groups_.find(address);
    return found != groups_.end() ? found->second
                                  : groups_.try_emplace(address, file_, address).first->second;
  }

  const hdf5::Structures& file_;
  KerasContent content_;
  std::set<std::string> layers_;
  std::map<uint64_t, KerasGroup> groups_;
};

// The .weights.h5 files of Keras 3. Groups have the names of classes: dense, dense_1, dense_2.
class NumberedLayers {
 public:
  explicit NumberedLayers(const hdf5::Structures& file) : file_(file) {}

  KerasContent read(const KerasGroup& root) {
    for (const hdf5::Link& link : root.links())
      if (link.name != "optimizer") visit(root, link.name, link.name, 1);
    return std::move(content_);
  }

 private:
  // "conv2d_1" is the second layer of the class conv2d; "conv2d" is the first.
  struct Numbered {
    std::string class_name;
    uint64_t number = 0;
  };

  static Numbered numbered(const std::string& name) {
    const std::string front = without_number(name, '_');
    if (front == name) return {name};
    const std::string digits = name.substr(front.size() + 1);
    constexpr size_t kMostDigits = 9;
    if (digits[0] == '0' || digits.size() > kMostDigits) return {name};
    return {front, std::stoull(digits)};
  }

  // The arrays of a layer of this class, if they are as many as found.
  static std::vector<std::string> kinds_of(const std::string& class_name, size_t count) {
    if ((class_name == "conv2d" || class_name == "dense") && count <= 2) return {"kernel", "bias"};
    if (class_name == "batch_normalization" && count == 4)
      return {"gamma", "beta", "moving_mean", "moving_variance"};
    return {};
  }

  // conv2d, conv2d_1, ..., conv2d_10, dense, ...
  static std::vector<std::string> in_order(const KerasGroup& group) {
    std::vector<std::tuple<std::string, uint64_t, std::string>> sorted;
    for (const hdf5::Link& link : group.links()) {
      const auto [class_name, number] = numbered(link.name);
      sorted.emplace_back(class_name, number, link.name);
    }
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::string> names(sorted.size());
    std::transform(sorted.begin(), sorted.end(), names.begin(),
                   [](const auto& entry) { return std::get<2>(entry); });
    return names;
  }

  void visit(const KerasGroup& parent, const std::string& name, const std::string& path,
             size_t depth) {
    require_name(path);
    require(depth <= kMostDepth, "expected at most ", kMostDepth, " groups in '", path, "'");
    const uint64_t address = parent.address(name);
    require(visited_.insert(address).second, "'", path, "' is there under two names");
    const KerasGroup group =
        in_place("group '" + path + "': ", [&] { return KerasGroup(file_, address); });
    if (name == "vars") return read_arrays(group, path.substr(0, path.size() - 4));
    if (name == "seed_generator") return;  // the state of a dropout layer
    for (const std::string& child : in_order(group))
      visit(group, child, concat(path, "/", child), depth + 1);
  }

  // `layer`: "layers/conv2d_1/"
  void read_arrays(const KerasGroup& vars, const std::string& layer) {
    constexpr std::string_view kLayers = "layers/";
    const bool is_listed = layer.starts_with(kLayers);
    const std::string name = is_listed ? layer.substr(kLayers.size()) : layer;
    const size_t count = vars.links().size();
    if (count == 0) return;
    std::vector<std::string> kinds;
    if (is_listed && name.find('/') + 1 == name.size())
      kinds = kinds_of(numbered(name.substr(0, name.size() - 1)).class_name, count);
    if (kinds.empty())
      content_.order_fault = "it has weights in '" + layer +
                             "vars', and only the layers Dense, Conv2D and BatchNormalization of a "
                             "model without inner models are known";
    for (size_t i = 0; i < count; ++i) {
      const std::string number = kinds.empty() ? vars.links()[i].name : std::to_string(i);
      const std::string place = concat(layer, "vars/", number);
      const std::string full = kinds.empty() ? place : concat(name, kinds[i]);
      require_name(full);
      content_.arrays.push_back({full, read_array_at(file_, vars.address(number), place)});
    }
  }

  const hdf5::Structures& file_;
  KerasContent content_;
  std::set<uint64_t> visited_;
};

std::string members_of(const KerasGroup& root) {
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min<size_t>(root.links().size(), 4); ++i)
    names.push_back(concat("'", visible(root.links()[i].name.substr(0, 100)), "'"));
  return names.empty() ? "nothing" : join(names, ", ");
}

}  // namespace

KerasContent read_keras(const hdf5::Structures& file) {
  const KerasGroup root(file, file.root());
  KerasContent content;
  if (root.has_texts("layer_names")) {
    content = ListedLayers(file).read(root);
  } else if (root.has("model_weights")) {
    const KerasGroup model(file, root.address("model_weights"));
    content = ListedLayers(file).read(model);
  } else if (root.has("layers")) {
    content = NumberedLayers(file).read(root);
  } else {
    throw hdf5::FormatError(concat("expected the weights of a Keras model (an attribute ",
                                   "layer_names, or a group model_weights or layers), found an ",
                                   "HDF5 file with ", members_of(root)));
  }
  require(!content.arrays.empty(), "expected the weights of a Keras model, found none");
  return content;
}

}  // namespace d2l::weights
