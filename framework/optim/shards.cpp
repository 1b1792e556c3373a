#include "framework/optim/shards.h"

#include <algorithm>

#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

int64_t elements_of(const std::vector<Range>& ranges) {
  int64_t count = 0;
  for (const Range& range : ranges) count += range.elements();
  return count;
}

Tensor first_state(nn::ParameterSet& parameters, const Shards* shards) {
  if (shards == nullptr) return zeros_like(parameters.values());
  return zeros(parameters.backend(), Shape{elements_of(shards->own)});
}

// Calls use(range of the arena, range of the state) for each range of a shard.
template <class Use>
void for_own(const Shards& shards, const Use& use) {
  int64_t at = 0;
  for (const Range& own : shards.own) {
    use(own, Range{at, at + own.elements()});
    at += own.elements();
  }
}

}  // namespace

ShardedState::ShardedState(nn::ParameterSet& parameters, const Shards* shards)
    : parameters_(parameters), shards_(shards), array_(first_state(parameters, shards)) {}

void ShardedState::visit(StateVisitor& visitor, const std::string& name) {
  if (shards_ == nullptr) return parameters_.visit(visitor, name, array_);
  const auto& slots = parameters_.slots();
  auto slot = slots.begin();
  for (const Range& bucket : shards_->buckets) {
    Tensor all = zeros(parameters_.backend(), Shape{bucket.elements()});
    // What this rank has of it.
    const auto for_mine = [&](const auto& use) {
      for_own(*shards_, [&](const Range& arena, const Range& state) {
        if (arena.begin < bucket.begin || arena.end > bucket.end) return;
        Tensor in_bucket = all.rows(arena.begin - bucket.begin, arena.end - bucket.begin),
               in_state = array_.rows(state.begin, state.end);
        use(in_bucket, in_state);
      });
    };
    for_mine([](Tensor& in_bucket, Tensor& in_state) { in_bucket.copy_from(in_state); });
    shards_->gather(all.view(), {{0, bucket.elements()}});
    for (; slot != slots.end() && slot->end <= bucket.end; ++slot) {
      Tensor value = all.slot(slot->begin - bucket.begin, slot->shape);
      visitor.tensor(concat(name, "/", slot->name), value);
    }
    for_mine([](Tensor& in_bucket, Tensor& in_state) { in_state.copy_from(in_bucket); });
  }
}

View StepPart::of_arena(Tensor& arena_array) const {
  return arena_array.rows(arena.begin, arena.end).view();
}

View StepPart::of_state(ShardedState& state_array) const {
  return state_array.array().rows(state.begin, state.end).view();
}

std::vector<StepPart> parts_of(const std::vector<StepRange>& ranges, nn::ParameterSet& parameters,
                               const Shards* shards) {
  if (shards == nullptr) {
    const Range all{0, parameters.values().elements()};
    return {{.arena = all, .state = all, .ranges = ranges}};
  }
  std::vector<StepPart> parts;
  auto range = ranges.begin();
  for_own(*shards, [&](const Range& arena, const Range& state) {
    StepPart part{.arena = arena, .state = state, .ranges = {}};
    while (range != ranges.end() && range->end <= arena.begin) ++range;
    for (auto at = range; at != ranges.end() && at->begin < arena.end; ++at) {
      StepRange inside = *at;
      inside.begin = std::max(at->begin, arena.begin) - arena.begin;
      inside.end = std::min(at->end, arena.end) - arena.begin;
      part.ranges.push_back(inside);
    }
    if (!part.ranges.empty()) parts.push_back(std::move(part));
  });
  return parts;
}

void find_gradient_norm(nn::ParameterSet& parameters, const Shards* shards, Tensor& norm) {
  Backend& backend = parameters.backend();
  Tensor& gradients = parameters.gradients();
  if (shards == nullptr) {
    const StepRange all{0, gradients.elements()};
    return backend.norms({&all, 1}, gradients.view(), norm.view());
  }
  std::vector<StepRange> own;
  for (const Range& range : shards->own) own.push_back({.begin = range.begin, .end = range.end});
  backend.fill(norm.view(), 0);
  if (!own.empty()) {
    Tensor norms(backend, Shape{std::ssize(own)});
    backend.norms(own, gradients.view(), norms.view());
    norms *= norms;
    backend.reduce(Reduction::sum, norms.view(), norm.view());
  }
  shards->sum(norm.view());
  backend.unary(Unary::sqrt, norm.view(), norm.view());
}

}  // namespace d2l
