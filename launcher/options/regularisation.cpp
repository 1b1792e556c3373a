#include "launcher/options/regularisation.h"

#include "launcher/options/option_group.h"

namespace d2l::launcher {

template <>
const WordTable<LossChoice>& words_of() {
  using enum LossChoice;
  static const WordTable<LossChoice> kWords = {{automatic, "auto"},
                                               {cross_entropy, "cross-entropy"},
                                               {squared, "squared"},
                                               {l1, "l1"},
                                               {huber, "huber"}};
  return kWords;
}

std::vector<Option> regularisation_options() {
  using enum ResumeRule;
  OptionGroup group("Loss and regularisation", &Config::regularisation);
  group.add("loss", &RegularisationConfig::loss, may_change,
            "loss of a sample. cross-entropy: of classes. For targets that are numbers, with the "
            "error e of the prediction, squared: e^2 / 2; l1: |e|; huber: squared up to "
            "--huber-delta and linear beyond. auto: cross-entropy or squared, as the targets need");
  group
      .add("huber-delta", "X", &RegularisationConfig::huber_delta, may_change,
           "error from which the huber loss is linear, in the unit of the targets")
      .above(0)
      .only_with("loss", {LossChoice::huber});
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
