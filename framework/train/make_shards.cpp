#include "framework/train/make_shards.h"

#include "framework/comm/buckets.h"

namespace d2l {

Shards make_shards(const nn::ParameterSet& parameters, Communicator& comm) {
  std::vector<Range> slots;
  slots.reserve(parameters.slots().size());
  for (const auto& slot : parameters.slots()) slots.push_back({slot.begin, slot.end});
  const int64_t elements = slots.empty() ? 0 : slots.back().end;
  const std::vector<Range> buckets = cut_into_buckets(slots, elements);
  return {.own = own_parts(buckets, comm),
          .buckets = buckets,
          .gather = [&comm](View part,
                            const std::vector<Range>& of_it) { gather_buckets(part, of_it, comm); },
          .sum = [&comm](View numbers) { comm.all_reduce(numbers); }};
}

}  // namespace d2l
