#include "framework/tensor/create.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/support.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Create, FilledTensorsOfEveryDtype) {
  for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64, DType::u8}) {
    EXPECT_THAT(zeros(device(), {2, 3}, dtype).to_vector<double>(), Each(0)) << to_string(dtype);
    EXPECT_THAT(ones(device(), {2, 3}, dtype).to_vector<double>(), Each(1)) << to_string(dtype);
    EXPECT_THAT(full(device(), {70}, 5, dtype).to_vector<double>(), Each(5)) << to_string(dtype);
    EXPECT_EQ(full(device(), {70}, 5, dtype).dtype(), dtype);
  }
  EXPECT_EQ(zeros(device(), {}).elements(), 1);
  EXPECT_EQ(ones(device(), {0, 4}).elements(), 0);
}

TEST(Create, LikeAnother) {
  Tensor x = full(device(), {2, 2}, 9, DType::i32);
  EXPECT_EQ(zeros_like(x).dtype(), DType::i32);
  EXPECT_THAT(ones_like(x).to_vector<int32_t>(), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(zeros_like(x).to_vector<int32_t>(), ElementsAre(0, 0, 0, 0));
}

TEST(Create, ArangeCounts) {
  EXPECT_TRUE(close(arange(device(), 4), {0, 1, 2, 3}));
  EXPECT_EQ(arange(device(), 0).shape(), (Shape{0}));
  EXPECT_THAT(arange(device(), 3, DType::i64).to_vector<int64_t>(), ElementsAre(0, 1, 2));
  EXPECT_EQ(arange(device(), 3, DType::i64).dtype(), DType::i64);
  EXPECT_EQ(message_of([] { arange(device(), -1); }),
            "arange: expected a count of at least 0, found -1");
}

TEST(Create, ArangeWithStartEndStep) {
  EXPECT_TRUE(close(arange(device(), 1, 7, 2), {1, 3, 5}));
  EXPECT_TRUE(close(arange(device(), 1, 8, 2), {1, 3, 5, 7}));
  EXPECT_TRUE(close(arange(device(), 5, 0, -2), {5, 3, 1}));
  EXPECT_TRUE(close(arange(device(), 0, 1, 0.25), {0, 0.25f, 0.5f, 0.75f}));
  EXPECT_EQ(arange(device(), 5.0, 1.0).elements(), 0);
  // Far elements are start + i * step, not a running sum of rounded steps.
  EXPECT_EQ(arange(device(), 0, 1000, 0.1)[9999].item<float>(), 999.9f);
  EXPECT_THAT(message_of([] { arange(device(), 0, 1, 0); }), HasSubstr("step must not be 0"));
  EXPECT_THAT(message_of([] { arange(device(), 0.0, INFINITY); }), HasSubstr("not a finite list"));
  EXPECT_THAT(message_of([] { arange(device(), 0.0, NAN); }), HasSubstr("not a finite list"));
}

TEST(Create, Eye) {
  EXPECT_TRUE(close(eye(device(), 3), {1, 0, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(eye(device(), 0).shape(), (Shape{0, 0}));
}

TEST(Create, FromVectorOfEveryType) {
  EXPECT_EQ(from_vector<float>(device(), {2}, {1.5f, 2}).dtype(), DType::f32);
  EXPECT_EQ(from_vector<double>(device(), {2}, {1.5, 2}).dtype(), DType::f64);
  EXPECT_EQ(from_vector<int32_t>(device(), {2}, {1, 2}).dtype(), DType::i32);
  EXPECT_EQ(from_vector<uint8_t>(device(), {2}, {1, 2}).dtype(), DType::u8);
  Tensor x = from_vector<int64_t>(device(), {2, 1}, {1, int64_t{1} << 40});
  EXPECT_THAT(x.to_vector<int64_t>(), ElementsAre(1, int64_t{1} << 40));
  EXPECT_EQ(message_of([] {
              from_vector<float>(device(), {2, 2}, {1, 2, 3});
            }),
            "from_vector: shape [2, 2] has 4 elements, found 3 values");
}

TEST(Create, FromNestedLists) {
  EXPECT_EQ(from_list(device(), {1, 2, 3}).shape(), (Shape{3}));
  Tensor x = from_list(device(), {{1, 2}, {3, 4}, {5, 6}});
  EXPECT_EQ(x.shape(), (Shape{3, 2}));
  EXPECT_TRUE(close(x, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(from_list(device(), {{1}, {2}}).shape(), (Shape{2, 1}));
  EXPECT_EQ(from_list(device(), {{1, 2}}).shape(), (Shape{1, 2}));
  EXPECT_EQ(from_list(device(), {}).shape(), (Shape{0}));
  EXPECT_EQ(message_of([] {
              from_list(device(), {{1, 2}, {3, 4}, {5}});
            }),
            "from_list: element 0 has shape [2], element 2 has [1]");
}

TEST(Create, UniformIsDrawAfterDrawOfTheKey) {
  RngKey key{7, stream_of("weight")};
  std::vector<float> values = uniform(device(), {3, 7}, key).to_vector<float>();
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], random_uniform(key, i)) << i;
  std::vector<float> scaled = uniform(device(), {21}, key, -2, 4).to_vector<float>();
  for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(scaled[i], -2 + 6 * values[i], 1e-6);
}

TEST(Create, UniformHasTheRightSpread) {
  std::vector<float> values = uniform(device(), {40000}, {1, 2}, -1, 3).to_vector<float>();
  double sum = 0, squares = 0;
  for (float value : values) {
    ASSERT_GE(value, -1);
    ASSERT_LT(value, 3);
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  double mean = sum / 40000, variance = squares / 40000 - mean * mean;
  EXPECT_NEAR(mean, 1, 0.03);  // 5 standard errors
  EXPECT_NEAR(variance, 16.0 / 12.0, 0.03);
}

TEST(Create, NormalIsDrawAfterDrawOfTheKey) {
  RngKey key{7, stream_of("weight")};
  std::vector<float> values = normal(device(), {40000}, key, 1, 2).to_vector<float>();
  for (uint64_t i = 0; i < 50; ++i)
    ASSERT_NEAR(values[i], 1 + 2 * random_normal(key, i), 1e-6) << i;
  double sum = 0, squares = 0;
  for (float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  double mean = sum / 40000, variance = squares / 40000 - mean * mean;
  EXPECT_NEAR(mean, 1, 0.05);
  EXPECT_NEAR(variance, 4, 0.15);
}

TEST(Create, OtherKeysOtherNumbers) {
  Tensor a = uniform(device(), {8}, {1, 1}), b = uniform(device(), {8}, {1, 2});
  EXPECT_NE(a.to_vector<float>(), b.to_vector<float>());
  EXPECT_EQ(a.to_vector<float>(), uniform(device(), {8}, {1, 1}).to_vector<float>());
}

}  // namespace
}  // namespace d2l
