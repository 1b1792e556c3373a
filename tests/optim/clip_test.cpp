#include "framework/optim/clip.h"

#include <algorithm>
#include <limits>

#include "framework/tensor/elementwise.h"
#include "tests/optim/linear_layer.h"

namespace d2l {
namespace {

using test::close;

class ClipTest : public test::LinearLayer {
 protected:
  ClipTest() { give(1); }

  Tensor found{test::device(), Shape{1}};

  double norm() {
    double total = 0;
    for (double value : set.gradients().to_vector<double>()) total += value * value;
    return std::sqrt(total);
  }
};

TEST_F(ClipTest, NormOfAllGradientsTogether) {
  const Tensor before = set.gradients().clone();
  const double length = norm();
  clip_norm(set, 100, found);
  EXPECT_NEAR(found.item<double>(), length, 1e-5);
  EXPECT_TRUE(close(set.gradients(), before, 0, 0)) << "short enough";
  clip_norm(set, 0.5, found);
  EXPECT_NEAR(found.item<double>(), length, 1e-5);
  EXPECT_NEAR(norm(), 0.5, 1e-5);
  EXPECT_TRUE(close(set.gradients(), before * (0.5 / length), 1e-5)) << "the same direction";
}

TEST_F(ClipTest, EachValue) {
  std::vector<float> expected = set.gradients().to_vector<float>();
  clip_value(set, 0.25);
  for (float& value : expected) value = std::clamp(value, -0.25f, 0.25f);
  EXPECT_EQ(set.gradients().to_vector<float>(), expected);
}

TEST_F(ClipTest, AnswersANormThatIsNotFinite) {
  set.gradients()[0].copy_from(full(test::device(), {}, std::numeric_limits<double>::infinity()));
  clip_norm(set, 1, found);
  EXPECT_TRUE(std::isinf(found.item<double>()));
}

}  // namespace
}  // namespace d2l
