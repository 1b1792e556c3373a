#include "launcher/options/regularisation.h"

#include "launcher/options/option_group.h"

namespace d2l::launcher {

std::vector<Option> regularisation_options() {
  using enum ResumeRule;
  OptionGroup group("Loss and regularisation", &Config::regularisation);
  group
      .add("label-smoothing", "X", &RegularisationConfig::label_smoothing, may_change,
           "share of each training label that is spread evenly over all classes; 0: off")
      .from(0)
      .below(1);
  group
      .add("clip-value", "X", &RegularisationConfig::clip_value, may_change,
           "clip each element of the gradient to [-X, X]; 0: off")
      .from(0);
  group
      .add("clip-norm", "X", &RegularisationConfig::clip_norm, may_change,
           "limit the common norm of all gradients to X, after --clip-value; 0: off")
      .from(0);
  group
      .add("ema", "X", &RegularisationConfig::ema, zero_fixed_in_run,
           "evaluate with exponential moving averages of the weights and the running statistics. X "
           "is their decay rate, for example 0.999; 0: off")
      .from(0)
      .below(1);
  return group.options();
}

}  // namespace d2l::launcher
