#include "framework/train/make_shards.h"

#include "framework/comm/buckets.h"

namespace d2l {

Shards make_shards(const nn::ParameterSet& parameters, Communicator& comm) {
  std::vector<Range> slots;
  slots.reserve(parameters.slots().size());
  for (const auto& slot : parameters.slots()) slots.push_back({slot.begin, slot.end});
  const int64_t elements = slots.empty() ? 0 : slots.back().end;
  const std::vector<Range> buckets = cut_into_buckets(slots, elements);
  Shards shards{.own = own_parts(buckets, comm), .buckets = buckets, .gather = {}, .sum = {}};
  exchange_through(comm, shards);
  return shards;
}

void exchange_through(Communicator& comm, Shards& shards) {
  shards.gather = [&comm](View part, const std::vector<Range>& buckets) {
    gather_buckets(part, buckets, comm);
  };
  shards.sum = [&comm](View numbers) { comm.all_reduce(numbers); };
}

}  // namespace d2l
