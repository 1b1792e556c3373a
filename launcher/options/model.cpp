#include "launcher/options/model.h"

#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"
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
  group.add("model", "NAME", &ModelConfig::name, fixed_in_run, "the network to train");
  group.add("recipe", "NAME", &ModelConfig::recipe, may_change,
            "a model with the options that suit it; options that are given win over the recipe's");
  group.add("init", &ModelConfig::init, may_change,
            "distribution of the initial weights; without it the recipe's or the model's");
  group
      .add("width", "N", &ModelConfig::width, fixed_in_run,
           "divides the channels of models that can be made narrower")
      .from(1)
      .up_to(1024);
  return group.options();
}

void check_model(const Config& config, const Given& /*given*/) {
  if (config.model.name.empty() && config.model.recipe.empty())
    usage("expected --model NAME or --recipe NAME, found neither");
  models::check_model_name(config.model.name);
}

}  // namespace d2l::launcher
