#include "models/zoo.h"

#include "framework/base/text.h"
#include "models/builders.h"

namespace d2l::models {
namespace {

struct Entry {
  const char* name;
  std::unique_ptr<nn::Module> (*build)(const ModelOptions&);
};

constexpr Entry kModels[] = {{"softmax-regression", softmax_regression},
                             {"mlp", mlp},
                             {"dropout-mlp", dropout_mlp},
                             {"lenet", lenet},
                             {"bn-lenet", bn_lenet}};

const Entry& find_entry(const std::string& name) {
  for (const Entry& entry : kModels)
    if (name == entry.name) return entry;
  throw UsageError(unknown_name("model", name, model_names()));
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kModels) names.emplace_back(entry.name);
  return names;
}

void check_model_name(const std::string& name) { find_entry(name); }

std::unique_ptr<nn::Module> build_model(const std::string& name, const ModelOptions& options) {
  check(options.input.rank() == 3 && options.classes >= 1, "model ", name,
        ": expected an input [h, w, c] and at least 1 class, found ", options.input, " and ",
        options.classes);
  return find_entry(name).build(options);
}

nn::LayerInit layer_init(const ModelOptions& options, const nn::LayerInit& own) {
  if (options.init.empty()) return own;
  if (options.init == "xavier") return {.weight = nn::xavier_uniform(), .bias = {}};
  if (options.init == "normal") return {.weight = nn::normal(0, 0.01), .bias = {}};
  throw UsageError(unknown_name("initialisation", options.init, {"xavier", "normal"}));
}

}  // namespace d2l::models
