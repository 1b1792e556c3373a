#include "launcher/options/model.h"

#include "framework/base/text.h"
#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"
#include "models/recipes.h"
#include "models/zoo.h"

namespace d2l::launcher {

template <>
const WordTable<InitChoice>& words_of() {
  static const WordTable<InitChoice> kWords = {
      {InitChoice::by_model, ""}, {InitChoice::xavier, "xavier"}, {InitChoice::normal, "normal"}};
  return kWords;
}

std::vector<Option> model_options() {
  using enum ResumeRule;
  OptionGroup group("Model", &Config::model);
  group.add("model", "NAME", &ModelConfig::name, fixed_in_run,
            "network to train; --list-models prints the names");
  group.add("recipe", "NAME", &ModelConfig::recipe, may_change,
            "train a network with predefined options, such as learning rate, batch size and "
            "epochs. Options in --config and on the command line override them. Names: " +
                join(models::recipe_names(), ", "));
  group.add("init", &ModelConfig::init, may_change,
            "distribution of the initial weights (default: that of the recipe or of the network)");
  group.add("weights", "FILE", &ModelConfig::weights, may_change,
            "start a new run with these weights: a file of PyTorch (.pt, .pth) or Keras (.h5, "
            ".keras), .safetensors, .npz, a checkpoint or a run folder. The last layer keeps its "
            "own initial values if the number of classes differs");
  group
      .add("width", "N", &ModelConfig::width, fixed_in_run,
           "divide the number of channels by N; not all networks support it")
      .from(1)
      .up_to(1024);
  return group.options();
}

void check_model(const Config& config, const Given& given) {
  if (config.model.name.empty() && config.model.recipe.empty())
    usage("expected --model NAME or --recipe NAME, found neither");
  models::check_model_name(config.model.name);
  if (given.count("weights") > 0 && !config.run.resume.empty())
    usage("--weights starts a new run, and --resume continues one: expected only one of them");
}

}  // namespace d2l::launcher
