// The results printed in chapters 2.1 (tensors) and 2.3 (linear algebra) of the book.

#include <gmock/gmock.h>

#include "framework/tensor/arrange.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/index.h"
#include "framework/tensor/linalg.h"
#include "framework/tensor/reduce.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using testing::ElementsAre;

class Book : public testing::Test {
 protected:
  Tensor x12 = arange(device(), 12).reshape({3, 4});
  Tensor listed = from_list(device(), {{2, 1, 4, 3}, {1, 2, 3, 4}, {4, 3, 2, 1}});
  Tensor a = arange(device(), 20).reshape({5, 4});
};

TEST_F(Book, ShapeAndElements) {
  EXPECT_EQ(arange(device(), 12).shape(), (Shape{12}));
  EXPECT_EQ(x12.elements(), 12);
  EXPECT_EQ(x12.shape(), (Shape{3, 4}));
  EXPECT_EQ(zeros(device(), {2, 3, 4}).elements(), 24);
  EXPECT_EQ(sum(ones(device(), {2, 3, 4})).item<float>(), 24);
}

TEST_F(Book, SumOfTwelve) { EXPECT_EQ(sum(x12).item<float>(), 66); }

TEST_F(Book, ConcatenateAndCompare) {
  EXPECT_TRUE(close(concat({x12, listed}, 0),
                    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 2, 1, 4, 3, 1, 2, 3, 4, 4, 3, 2, 1}));
  EXPECT_TRUE(close(concat({x12, listed}, 1),
                    {0, 1, 2, 3, 2, 1, 4, 3, 4, 5, 6, 7, 1, 2, 3, 4, 8, 9, 10, 11, 4, 3, 2, 1}));
  EXPECT_THAT((x12 == listed).to_vector<int32_t>(),
              ElementsAre(0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0));
}

TEST_F(Book, Broadcasting) {
  Tensor sums = arange(device(), 3).reshape({3, 1}) + arange(device(), 2).reshape({1, 2});
  EXPECT_THAT(sums.to_rows<float>(),
              ElementsAre(ElementsAre(0, 1), ElementsAre(1, 2), ElementsAre(2, 3)));
}

TEST_F(Book, Indexing) {
  EXPECT_TRUE(close(x12[-1], {8, 9, 10, 11}));
  EXPECT_TRUE(close(x12.rows(1, 3), {4, 5, 6, 7, 8, 9, 10, 11}));
  assign(x12, {1, 2}, 9);
  EXPECT_EQ(get(x12, {1, 2}).item<float>(), 9);
  assign(x12, {Index(0, 2), Index()}, 12);
  EXPECT_TRUE(close(x12, {12, 12, 12, 12, 12, 12, 12, 12, 8, 9, 10, 11}));
}

TEST_F(Book, SavingMemory) {
  Tensor z = zeros_like(listed);
  const void* before = z.view().data;
  assign(z, {}, x12 + listed);
  EXPECT_EQ(z.view().data, before);
  EXPECT_TRUE(close(z, x12 + listed));
  const void* address = x12.view().data;
  x12 += listed;
  EXPECT_EQ(x12.view().data, address);
  EXPECT_TRUE(close(x12, z));
}

TEST_F(Book, Conversions) {
  Tensor number = from_list(device(), {3.5f});
  EXPECT_EQ(number.item<float>(), 3.5f);
  EXPECT_EQ(number.item<int32_t>(), 3);
  EXPECT_EQ(number.to_string(), "[3.5000]");
  EXPECT_EQ(x12.to_vector<float>().size(), 12u);
  EXPECT_EQ(x12.to_rows<float>()[2][3], 11);
}

TEST_F(Book, TransposeOfASymmetricMatrix) {
  Tensor b = from_list(device(), {{1, 2, 3}, {2, 0, 4}, {3, 4, 5}});
  EXPECT_EQ(sum((b == transpose(b)).cast(DType::f32)).item<float>(), 9);
  EXPECT_EQ(transpose(a).shape(), (Shape{4, 5}));
  EXPECT_TRUE(close(transpose(a)[1], {1, 5, 9, 13, 17}));
}

TEST_F(Book, HadamardProduct) {
  Tensor b = a.clone();
  EXPECT_TRUE(close(a + b, 2 * a));
  EXPECT_TRUE(close((a * b)[1], {16, 25, 36, 49}));
  EXPECT_EQ((2 + arange(device(), 24).reshape({2, 3, 4})).shape(), (Shape{2, 3, 4}));
}

TEST_F(Book, SumsAndMeans) {
  EXPECT_EQ(sum(a).item<float>(), 190);
  EXPECT_TRUE(close(sum(a, {0}), {40, 45, 50, 55}));
  EXPECT_TRUE(close(sum(a, {1}), {6, 22, 38, 54, 70}));
  EXPECT_EQ(sum(a, {0, 1}).item<float>(), 190);
  EXPECT_EQ(mean(a).item<float>(), 9.5f);
  EXPECT_TRUE(close(mean(a, {0}), {8, 9, 10, 11}));
  Tensor kept = sum(a, {1}, KeepDims::yes);
  EXPECT_EQ(kept.shape(), (Shape{5, 1}));
  EXPECT_TRUE(close(sum(a / kept, {1}), {1, 1, 1, 1, 1}));
  EXPECT_TRUE(close(cumsum(a, 0),
                    {0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24, 28, 32, 36, 40, 45, 50, 55}));
}

TEST_F(Book, Products) {
  Tensor x = arange(device(), 4), y = ones(device(), {4});
  EXPECT_EQ(dot(x, y).item<float>(), 6);
  EXPECT_EQ(sum(x * y).item<float>(), 6);
  EXPECT_TRUE(close(matmul(a, x), {14, 38, 62, 86, 110}));
  EXPECT_TRUE(close(matmul(a, ones(device(), {4, 3})),
                    {6, 6, 6, 22, 22, 22, 38, 38, 38, 54, 54, 54, 70, 70, 70}));
}

TEST_F(Book, Norms) {
  Tensor u = from_list(device(), {3, -4});
  EXPECT_FLOAT_EQ(norm_l2(u).item<float>(), 5);
  EXPECT_FLOAT_EQ(norm_l1(u).item<float>(), 7);
  EXPECT_FLOAT_EQ(norm_l2(ones(device(), {4, 9})).item<float>(), 6);
}

}  // namespace
}  // namespace d2l
