#include "framework/tensor/random.h"

#include <numeric>
#include <utility>

namespace d2l {

Tensor Random::uniform(const Shape& shape, double low, double high) {
  return d2l::uniform(default_backend(), shape, next_key(), low, high);
}

Tensor Random::normal(const Shape& shape, double mean, double std) {
  return d2l::normal(default_backend(), shape, next_key(), mean, std);
}

// Fisher and Yates.
std::vector<int64_t> Random::permutation(int64_t count) {
  check(count >= 0, "permutation: expected a count of at least 0, found ", count);
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  const RngKey key = next_key();
  for (size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[random_below(key, left, left)]);
  return order;
}

}  // namespace d2l
