#include "framework/tensor/slices.h"

#include <gtest/gtest.h>

#include <sstream>

#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"
#include "tests/support/support.h"

// Tensors as the book writes them (chapter 2.1): without a backend, and with slices.

namespace d2l::test {
namespace {

class Slices : public testing::Test {
 protected:
  const UseBackend use_{device()};
  Tensor x_ = arange(12).reshape({3, 4});
};

TEST_F(Slices, ReadAsInTheBook) {
  EXPECT_TRUE(close(x_(-1), {8, 9, 10, 11}));
  EXPECT_TRUE(close(x_(range(1, 3)), {4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_TRUE(close(x_(all, 1), {1, 5, 9}));
  EXPECT_TRUE(close(x_(range(1, 3), from(1)), {5, 6, 7, 9, 10, 11}));
  EXPECT_TRUE(close(x_(every(3), every(2)), {0, 2}));
  EXPECT_TRUE(close(x_(to(1), range(3, 0, -2)), {3, 1}));
  EXPECT_EQ(x_(all, to(2)).shape(), (Shape{3, 2}));
  EXPECT_EQ(float(x_(1, 2)), 6);
  EXPECT_THROW(Tensor(x_(3)), Error);
}

TEST_F(Slices, ChangeTheirTensor) {
  const Tensor alias = x_;
  x_(1, 2) = 9;
  x_(range(0, 1)) = 12;
  x_(all, 3) += 1;
  x_(2) = x_(1);
  EXPECT_TRUE(close(alias, {12, 12, 12, 13, 4, 5, 9, 8, 4, 5, 9, 8}));
  x_(all) = tensor({1, 2, 3, 4});
  x_(2) *= tensor({2, 2, 2, 2});
  x_(2) -= 1;
  x_(2, 0) /= 2;
  EXPECT_TRUE(close(alias, {1, 2, 3, 4, 1, 2, 3, 4, 0.5, 3, 5, 7}));
  EXPECT_THROW(x_(0) = tensor({1, 2}), Error);
}

TEST_F(Slices, AreSelectedWhenTheyAreUsed) {
  const auto row = x_(0);
  x_ += 1;
  EXPECT_TRUE(close(row, {1, 2, 3, 4}));
  EXPECT_EQ(float(sum(row * 2)), 20);
  std::ostringstream text;
  text << row;
  EXPECT_EQ(text.str(), Tensor(row).to_string());
}

TEST(DefaultBackend, IsACpuUnlessAnotherIsUsed) {
  EXPECT_EQ(default_backend().device().kind, DeviceKind::cpu);
  EXPECT_EQ(&zeros({2}).backend(), &default_backend());
  Backend& before = default_backend();
  {
    const UseBackend use(cpu());
    EXPECT_EQ(&ones({2}).backend(), &cpu());
    EXPECT_EQ(&eye(2).backend(), &cpu());
  }
  EXPECT_EQ(&default_backend(), &before);
}

TEST(Numbers, AreListsOfAnyDepth) {
  const UseBackend use(device());
  EXPECT_EQ(tensor(3).shape(), Shape());
  EXPECT_EQ(tensor({1}).shape(), (Shape{1}));
  EXPECT_EQ(tensor({{1}, {2}}).shape(), (Shape{2, 1}));
  EXPECT_EQ(tensor({{{1, 2}}, {{3, 4}}}).shape(), (Shape{2, 1, 2}));
  EXPECT_TRUE(close(tensor({{{1, 2}}, {{3, 4}}}), {1, 2, 3, 4}));
  EXPECT_EQ(tensor({1, 2}, DType::i64).to_vector<int64_t>(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(tensor(std::vector<int64_t>{3}).dtype(), DType::i64);
  EXPECT_EQ(message_of([] {
              tensor({{1, 2}, {3}});
            }),
            "from_list: element 0 has shape [2], element 1 has [1]");
  EXPECT_EQ(message_of([] {
              tensor({{1, 2}, 3});
            }),
            "from_list: element 0 has shape [2], element 1 has []");
}

TEST(Conversions, AreExplicitAndNeedOneElement) {
  const Tensor x = from_list(device(), {2.5});
  EXPECT_EQ(float(x), 2.5f);
  EXPECT_EQ(double(x), 2.5);
  EXPECT_EQ(int64_t(x), 2);
  EXPECT_THROW(float(from_list(device(), {1, 2})), Error);
}

}  // namespace
}  // namespace d2l::test
