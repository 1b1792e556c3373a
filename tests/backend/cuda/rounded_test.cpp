#include <gmock/gmock.h>

#include "framework/backend/rounded_once.h"
#include "framework/tensor/elementwise.h"
#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

class CudaRounded : public testing::Test {
 protected:
  // x times the weights that start at element `at` of the values.
  std::vector<float> product(int64_t at, DType dtype) {
    const Tensor left = x.cast(dtype), weight = values.slot(at, {30, 20});
    Tensor out(gpu(), {8, 20}, dtype);
    gpu().matmul({}, left.view(), weight.view(), {}, out.view());
    return out.to_vector<float>();
  }

  // Equal up to the order of sums: the copy has other addresses, which may select another kernel.
  static auto like(const std::vector<float>& expected) {
    return testing::Pointwise(testing::FloatNear(0.05f), expected);
  }

  Tensor x = random_tensor({8, 30}).to(gpu());
  Tensor values = random_tensor({2048}).to(gpu());
};

TEST_F(CudaRounded, ProductsAreTheSame) {
  for (int64_t at : {0, 64, 1448}) {
    const std::vector<float> expected = product(at, DType::f16);
    const RoundedOnce rounded(gpu(), values.view(), DType::f16);
    EXPECT_THAT(product(at, DType::f16), like(expected)) << at;
  }
}

// Visible because the values change, which is not allowed in real use.
TEST_F(CudaRounded, ProductsTakeTheCopyWhileThereIsOne) {
  const std::vector<float> before = product(64, DType::f16);
  const std::vector<float> outside = product(0, DType::f16);
  {
    const Tensor part = values.rows(64, 2048);
    const RoundedOnce rounded(gpu(), part.view(), DType::f16);
    values *= 2;
    EXPECT_THAT(product(64, DType::f16), like(before));
    EXPECT_THAT(product(0, DType::f16), testing::Not(like(outside))) << "only a part is copied";
    EXPECT_THAT(product(64, DType::f32), testing::Not(like(before))) << "f32 is no copy";
  }
  EXPECT_THAT(product(64, DType::f16), testing::Not(like(before)));
}

}  // namespace
}  // namespace d2l::test
