#include "data/loading/epoch_order.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace d2l::data {
namespace {

bool is_narrow(int64_t samples) {
  return samples <= int64_t{std::numeric_limits<uint32_t>::max()} + 1;
}

template <class Index>
std::vector<Index> shuffled(int64_t samples, RngKey key) {
  std::vector<Index> order(static_cast<size_t>(samples));
  std::iota(order.begin(), order.end(), Index{0});
  for (size_t last = order.size() - 1; last > 0; --last)
    std::swap(order[last], order[random_below(key, last, last + 1)]);
  return order;
}

}  // namespace

void SequentialOrder::read(int64_t begin, std::span<int64_t> samples) const {
  std::iota(samples.begin(), samples.end(), begin);
}

ShuffledOrder::ShuffledOrder(int64_t samples, RngKey key) {
  if (is_narrow(samples))
    narrow_ = shuffled<uint32_t>(samples, key);
  else
    wide_ = shuffled<int64_t>(samples, key);
}

void ShuffledOrder::read(int64_t begin, std::span<int64_t> samples) const {
  const auto copy = [&](const auto& order) {
    std::copy_n(order.begin() + begin, samples.size(), samples.begin());
  };
  if (wide_.empty())
    copy(narrow_);
  else
    copy(wide_);
}

uint64_t ShuffledOrder::bytes(int64_t samples) {
  return static_cast<uint64_t>(samples) * (is_narrow(samples) ? sizeof(uint32_t) : sizeof(int64_t));
}

}  // namespace d2l::data
