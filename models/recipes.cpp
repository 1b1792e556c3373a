#include "models/recipes.h"

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::models {

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> kTable = {
      {"softmax-regression", "softmax-regression", 0.1, 256, 10, "normal"},
      {"mlp", "mlp", 0.1, 256, 10, "normal"},
      {"dropout-mlp", "dropout-mlp", 0.5, 256, 10, "normal"},
      {"lenet", "lenet", 0.9, 256, 10, "xavier"},
      {"bn-lenet", "bn-lenet", 1.0, 256, 10, "xavier"},
      {"alexnet", "alexnet", 0.01, 128, 10, "xavier", 224},
      {"vgg11", "vgg11", 0.05, 128, 10, "xavier", 224, 4},
      {"nin", "nin", 0.1, 128, 10, "xavier", 224},
      {"googlenet", "googlenet", 0.1, 128, 10, "xavier", 96},
      {"resnet18", "resnet18", 0.05, 256, 10, "xavier", 96},
      {"densenet", "densenet", 0.1, 256, 10, "xavier", 96},
      {"vit-tiny",
       "vit-tiny",
       1e-3,
       128,
       12,
       "",
       0,
       1,
       {{"optimizer", "adamw"}, {"weight-decay", "0.05"}, {"schedule", "cosine"}, {"warmup", "1"}}},
      {"resnet20",
       "resnet20",
       0.1,
       128,
       164,
       "",
       0,
       1,
       {{"momentum", "0.9"},
        {"weight-decay", "1e-4"},
        {"schedule", "multistep"},
        {"milestones", "82,123"}}},
  };
  return kTable;
}

const Recipe& find_recipe(const std::string& name) {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) {
    if (recipe.name == name) return recipe;
    names.push_back(recipe.name);
  }
  throw UsageError(unknown_name("recipe", name, names));
}

}  // namespace d2l::models
