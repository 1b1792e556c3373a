#include <cmath>

#include "framework/backend/cuda_module.h"
#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

std::vector<float> product_on(Backend& backend, const Tensor& a, const Tensor& b) {
  const Tensor left = a.to(backend), right = b.to(backend);
  Tensor out(backend, {a.size(0), b.size(1)});
  backend.matmul({}, left.view(), right.view(), {}, out.view());
  return out.to_vector<float>();
}

TEST(Tf32, ProductsAreLessExact) {
  const std::unique_ptr<Backend> backend = make_cuda_backend({.tf32 = true});
  const Tensor a = random_tensor({64, 256}), b = random_tensor({256, 48});
  const auto exact = product_on(host(), a, b), found = product_on(*backend, a, b);
  const double magnitude = 4.0 / 3 * std::sqrt(256.0);  // magnitude of the sums
  for (size_t i = 0; i < exact.size(); ++i)
    ASSERT_NEAR(found[i], exact[i], 5e-3 * magnitude) << "element " << i;
}

}  // namespace
}  // namespace d2l::test
