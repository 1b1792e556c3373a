#include "data/loading/batches.h"

#include <gtest/gtest.h>

#include <set>

#include "data/array_dataset.h"
#include "data/synthetic.h"
#include "framework/tensor/arrange.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/slices.h"
#include "tests/support/support.h"

// Loops over mini-batches in programs of one's own.

namespace d2l::data {
namespace {

using test::close;
using test::message_of;

std::shared_ptr<const Dataset> rows() {
  return std::make_shared<ArrayDataset>(arange(14).reshape({7, 2}), arange(7));
}

TEST(Batches, VisitEverySampleOnceInEachEpoch) {
  Batches batches(rows(), {.batch_size = 3});
  EXPECT_EQ(batches.samples(), 7);
  EXPECT_EQ(batches.size(), 3);
  std::vector<std::vector<float>> orders;
  for (const int64_t epoch : {0, 1, 0}) {
    std::vector<float> order;
    std::vector<int64_t> sizes;
    for (const auto& [x, y] : batches.epoch(epoch)) {
      sizes.push_back(x.size(0));
      EXPECT_TRUE(close(x(all, 0), 2 * y));
      for (const float target : y.to_vector<float>()) order.push_back(target);
    }
    EXPECT_EQ(sizes, (std::vector<int64_t>{3, 3, 1}));
    EXPECT_EQ(std::set<float>(order.begin(), order.end()).size(), 7u);
    orders.push_back(order);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_EQ(orders[0], orders[2]);
}

TEST(Batches, AreDividedAmongRanks) {
  Batches whole(rows(), {.batch_size = 3}), first(rows(), {.batch_size = 3, .ranks = 2}),
      second(rows(), {.batch_size = 3, .rank = 1, .ranks = 2});
  auto a = first.epoch(0).begin(), b = second.epoch(0).begin();
  for (const auto& [x, y] : whole.epoch(0)) {
    EXPECT_TRUE(close(concat({(*a).targets, (*b).targets}), y));
    EXPECT_EQ(first.global_batch(), y.size(0));
    ++a;
    ++b;
  }
}

TEST(Batches, MayBeLeftEarly) {
  Batches batches(rows(), {.batch_size = 3, .order = Order::sequential});
  for (int i = 0; i < 3; ++i)
    for (const auto& [x, y] : batches.epoch(0)) {
      EXPECT_TRUE(close(y, {0, 1, 2}));
      break;
    }
}

TEST(Batches, HaveImagesFromZeroToOne) {
  const std::shared_ptr<const Dataset> images =
      make_synthetic(Split::train, {.train_samples = 20, .size = 8, .channels = 3});
  Batches batches(images, {.batch_size = 8, .pipeline = Pipeline::parse("resize 4x4")});
  for (const auto& [x, y] : batches.epoch(0)) {
    EXPECT_EQ(x.shape().without_axis(0), (Shape{4, 4, 3}));
    EXPECT_EQ(x.dtype(), DType::f32);
    EXPECT_EQ(y.dtype(), DType::i64);
    for (const float value : x.to_vector<float>()) EXPECT_TRUE(value >= 0 && value <= 1);
  }
}

TEST(ArrayDataset, HasLabelsOrNumbers) {
  const Tensor x = arange(4).reshape({2, 2});
  const ArrayDataset labels(x, tensor({0, 4}, DType::i64));
  EXPECT_EQ(labels.classes(), 5);
  EXPECT_EQ(labels.label(1), 4);
  const ArrayDataset numbers(x, tensor({{0.5}, {1.5}}));
  EXPECT_EQ(numbers.classes(), 0);
  EXPECT_EQ(numbers.target(1), 1.5f);
  EXPECT_NE(numbers.fingerprint(), labels.fingerprint());
}

TEST(ArrayDataset, SaysWhatIsWrong) {
  const Tensor x = arange(4).reshape({2, 2});
  EXPECT_EQ(message_of([&] { ArrayDataset(arange(4), arange(4)); }),
            "array: expected inputs [n, values], found [4]");
  EXPECT_EQ(message_of([&] { ArrayDataset(x, arange(3)); }),
            "array: expected targets [2], found [3]");
  EXPECT_EQ(message_of([&] {
              ArrayDataset(x, tensor({0, -1}, DType::i64));
            }),
            "array: expected labels of at least 0, found -1");
  EXPECT_EQ(message_of([&] { ArrayDataset(x, arange(2, DType::u8)); }),
            "array: expected targets f32 or i64, found u8");
}

}  // namespace
}  // namespace d2l::data
