#include "framework/optim/own_steps.h"

#include <map>

namespace d2l {

OwnSteps::OwnSteps(const nn::ParameterSet& parameters)
    : parameters_(parameters), missed_(parameters.slots().size(), 0) {}

std::vector<OwnSteps::Group> OwnSteps::begin(const std::vector<StepRange>& ranges) {
  ++steps_;
  std::map<int64_t, std::vector<StepRange>> ranges_of;  // key: missed steps
  auto range = ranges.begin();
  for (size_t i = 0; i < missed_.size(); ++i) {
    if (parameters_.slots()[i].frozen)
      ++missed_[i];
    else
      ranges_of[missed_[i]].push_back(*range++);
  }
  std::vector<Group> groups;
  groups.reserve(ranges_of.size());
  for (const auto& [missed, together] : ranges_of)
    groups.push_back({.step = steps_ - missed, .ranges = merged(together)});
  return groups;
}

void OwnSteps::visit(StateVisitor& visitor) {
  visitor.integer("optimizer/steps", steps_);
  for (size_t i = 0; i < missed_.size(); ++i)
    visitor.optional_integer("optimizer/missed_steps/" + parameters_.slots()[i].name, missed_[i]);
}

}  // namespace d2l
