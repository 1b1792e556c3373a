#include "launcher/rate_factors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "framework/base/text.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {
namespace {

using Slot = nn::ParameterSet::Slot;

// How much of what a factor applies to is trained. `applies`: to a slot.
template <class Condition>
std::string trained_text(const nn::ParameterSet& parameters, const Condition& applies) {
  int64_t trained = 0, frozen = 0;
  const auto& slots = parameters.slots();
  for (size_t i = 0; i < slots.size(); ++i)
    if (applies(i)) (slots[i].frozen ? frozen : trained) += slots[i].shape.elements();
  return trained == 0 && frozen > 0 ? "all frozen" : with_thousands(trained) + " parameters";
}

// The last entry of --lr-mult that matches a slot's name; -1 if none does.
std::vector<int> entries_of_slots(const std::vector<LrMultiplier>& entries,
                                  const nn::ParameterSet& parameters) {
  std::vector<int> found(parameters.slots().size(), -1);
  for (size_t entry = 0; entry < entries.size(); ++entry)
    for (size_t slot : parameters.matching("parameter in --lr-mult", entries[entry].pattern))
      found[slot] = static_cast<int>(entry);
  return found;
}

const Slot& head_of(const nn::ParameterSet& parameters) {
  for (const Slot& slot : parameters.slots())
    if (slot.is_head) return slot;
  usage("--head-lr-mult expects a network with a linear layer or a convolution, found none");
}

// The smallest and the largest factor of the parameters that are trained.
std::pair<double, double> extremes(const LrFactors& factors, const nn::ParameterSet& parameters) {
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (size_t i = 0; i < factors.size(); ++i) {
    if (parameters.slots()[i].frozen) continue;
    least = std::min(least, factors[i]);
    most = std::max(most, factors[i]);
  }
  return {least, most};
}

}  // namespace

RateFactors rate_factors(const OptimizerConfig& options, const nn::ParameterSet& parameters) {
  if (options.lr_mult.empty() && options.head_lr_mult == 1 && options.lr_decay_by_depth == 1)
    return {};
  const auto& slots = parameters.slots();
  const std::vector<int> entry_of = entries_of_slots(options.lr_mult, parameters);
  std::vector<std::string> notes;
  LrFactors factors(slots.size(), 1.0);
  for (size_t entry = 0; entry < options.lr_mult.size(); ++entry) {
    const LrMultiplier& given = options.lr_mult[entry];
    const auto applies = [&](size_t i) { return entry_of[i] == static_cast<int>(entry); };
    for (size_t i = 0; i < slots.size(); ++i)
      if (applies(i)) factors[i] = given.factor;
    notes.push_back(
        concat(given.pattern, " ", given.factor, " (", trained_text(parameters, applies), ")"));
  }
  if (options.head_lr_mult != 1) {
    const std::string& name = head_of(parameters).name;
    const auto applies = [&](size_t i) { return slots[i].is_head; };
    for (size_t i = 0; i < slots.size(); ++i)
      if (applies(i)) factors[i] *= options.head_lr_mult;
    notes.push_back(concat("head ", name.substr(0, name.rfind('.')), " ", options.head_lr_mult,
                           " (", trained_text(parameters, applies), ")"));
  }
  if (options.lr_decay_by_depth != 1) {
    const int64_t last = parameters.layers() - 1;
    for (size_t i = 0; i < slots.size(); ++i)
      factors[i] *= std::pow(options.lr_decay_by_depth, static_cast<double>(last - slots[i].layer));
    notes.push_back(concat(options.lr_decay_by_depth, " for each of ", last,
                           last == 1 ? " layer below the head" : " layers below the head"));
  }
  const auto [least, most] = extremes(factors, parameters);
  if (most == 0)
    usage(
        "--lr-mult and --head-lr-mult: expected a factor above 0 for one of the parameters to "
        "train, found 0 for all");
  return {std::move(factors), concat("factors on the learning rate: ", join(notes, ", "),
                                     "; in all from ", least, " to ", most)};
}

}  // namespace d2l::launcher
