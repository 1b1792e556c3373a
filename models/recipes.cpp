#include "models/recipes.h"

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::models {

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> kTable = {
      {.name = "softmax-regression", .lr = 0.1, .init = "normal"},
      {.name = "mlp", .lr = 0.1, .init = "normal"},
      {.name = "dropout-mlp", .lr = 0.5, .init = "normal"},
      {.name = "lenet", .lr = 0.9, .init = "xavier"},
      {.name = "bn-lenet", .lr = 1.0, .init = "xavier"},
      {.name = "alexnet", .lr = 0.01, .batch_size = 128, .init = "xavier", .resize = 224},
      {.name = "vgg11", .lr = 0.05, .batch_size = 128, .init = "xavier", .resize = 224, .width = 4},
      {.name = "nin", .lr = 0.1, .batch_size = 128, .init = "xavier", .resize = 224},
      {.name = "googlenet", .lr = 0.1, .batch_size = 128, .init = "xavier", .resize = 96},
      {.name = "resnet18", .lr = 0.05, .init = "xavier", .resize = 96},
      {.name = "densenet", .lr = 0.1, .init = "xavier", .resize = 96},
      {.name = "vit-tiny",
       .lr = 1e-3,
       .batch_size = 128,
       .epochs = 12,
       .options = {{"optimizer", "adamw"},
                   {"weight-decay", "0.05"},
                   {"schedule", "cosine"},
                   {"warmup", "1"}}},
      {.name = "resnet20",
       .lr = 0.1,
       .batch_size = 128,
       .epochs = 164,
       .options = {{"momentum", "0.9"},
                   {"weight-decay", "1e-4"},
                   {"schedule", "multistep"},
                   {"milestones", "82,123"}}},
  };
  return kTable;
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) names.push_back(recipe.name);
  return names;
}

const Recipe& find_recipe(const std::string& name) {
  for (const Recipe& recipe : recipes())
    if (recipe.name == name) return recipe;
  throw UsageError(unknown_name("recipe", name, recipe_names()));
}

}  // namespace d2l::models
