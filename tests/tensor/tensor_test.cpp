#include "framework/tensor/tensor.h"

#include <gmock/gmock.h>

#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Tensor, CopyingAliasesAndCloneCopies) {
  Tensor x = arange(device(), 4);
  Tensor alias = x, copy = x.clone();
  x[2].copy_from(full(device(), {}, 9));
  EXPECT_TRUE(close(alias, {0, 1, 9, 3}));
  EXPECT_TRUE(close(copy, {0, 1, 2, 3}));
  EXPECT_EQ(alias.view().data, x.view().data);
  EXPECT_NE(copy.view().data, x.view().data);
}

TEST(Tensor, AliasKeepsTheMemoryAlive) {
  Tensor last;
  {
    Tensor x = arange(device(), 6).reshape({2, 3});
    last = x[-1];
  }
  Tensor other = zeros(device(), {6});
  EXPECT_TRUE(close(last, {3, 4, 5}));
}

TEST(Tensor, MemoryGoesBackToThePool) {
  uint64_t before = device().pool().stats().bytes_in_use;
  {
    Tensor x(device(), {1000});
    EXPECT_GE(device().pool().stats().bytes_in_use, before + 4000);
  }
  EXPECT_EQ(device().pool().stats().bytes_in_use, before);
}

TEST(Tensor, UndefinedAnswersWithAnError) {
  Tensor none;
  EXPECT_FALSE(none.defined());
  EXPECT_THAT(message_of([&] { none.clone(); }), HasSubstr("undefined"));
  EXPECT_THAT(message_of([&] { none.view(); }), HasSubstr("undefined"));
  EXPECT_THAT(message_of([&] { none.reshape({1}); }), HasSubstr("undefined"));
  EXPECT_THAT(message_of([&] { none.to_string(); }), HasSubstr("undefined"));
  EXPECT_THAT(message_of([&] { none.item<float>(); }), HasSubstr("undefined"));
  EXPECT_THAT(message_of([&] { exp(none); }), HasSubstr("exp: expected f32, found an undefined"));
}

TEST(Tensor, ReshapeAliases) {
  Tensor x = arange(device(), 12);
  Tensor matrix = x.reshape({3, 4});
  EXPECT_EQ(matrix.shape(), (Shape{3, 4}));
  EXPECT_EQ(matrix.view().data, x.view().data);
  EXPECT_EQ(x.reshape(Shape{2, 6}).shape(), (Shape{2, 6}));
  EXPECT_EQ(x.rows(0, 1).reshape({}).rank(), 0);
}

TEST(Tensor, ReshapeInfersOneSize) {
  Tensor x = arange(device(), 12);
  EXPECT_EQ(x.reshape({-1, 4}).shape(), (Shape{3, 4}));
  EXPECT_EQ(x.reshape({2, -1, 3}).shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(x.reshape({3, 4}).reshape({-1}).shape(), (Shape{12}));
  EXPECT_EQ(zeros(device(), {0, 5}).reshape({-1, 5}).shape(), (Shape{0, 5}));
  EXPECT_EQ(message_of([&] {
              x.reshape({-1, 5});
            }),
            "reshape: [12] has 12 elements, which cannot be cut into pieces of 5");
  EXPECT_THAT(message_of([&] { x.reshape({-1, -1}); }), HasSubstr("at most one size may be -1"));
  EXPECT_THAT(message_of([&] { zeros(device(), {0}).reshape({-1, 0}); }), HasSubstr("pieces of 0"));
  EXPECT_EQ(message_of([&] { x.reshape({3, 5}); }), "reshape: [12] has 12 elements, [3, 5] has 15");
  EXPECT_THAT(message_of([&] { x.reshape({-3, -4}); }), HasSubstr("negative"));
}

TEST(Tensor, RowsAlias) {
  Tensor x = arange(device(), 12).reshape({4, 3});
  Tensor middle = x.rows(1, 3);
  EXPECT_EQ(middle.shape(), (Shape{2, 3}));
  EXPECT_TRUE(close(middle, {3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(middle.view().data, x.view().as<float>() + 3);
  EXPECT_TRUE(close(x.rows(-1, 4), {9, 10, 11}));
  EXPECT_TRUE(close(x.rows(-3, -2), {3, 4, 5}));
  EXPECT_EQ(x.rows(2, 2).shape(), (Shape{0, 3}));
  EXPECT_TRUE(close(x.rows(1, 4).rows(1, 3), {6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(message_of([&] { x.rows(2, 5); }), "rows: [2, 5) is outside the 4 rows of [4, 3]");
  EXPECT_THAT(message_of([&] { x.rows(3, 2); }), HasSubstr("rows: [3, 2)"));
  EXPECT_THAT(message_of([&] { x.rows(-5, 2); }), HasSubstr("rows: [-5, 2)"));
  EXPECT_THAT(message_of([&] { x[0][0].rows(0, 1); }), HasSubstr("a scalar"));
}

TEST(Tensor, OneElementOfTheFirstAxis) {
  Tensor x = arange(device(), 24).reshape({2, 3, 4});
  EXPECT_EQ(x[1].shape(), (Shape{3, 4}));
  EXPECT_EQ(x[1][2][3].item<float>(), 23);
  EXPECT_TRUE(close(x[-1][0], {12, 13, 14, 15}));
  EXPECT_EQ(message_of([&] { x[2]; }),
            "[]: index 2 is outside the 2 elements of the first axis of [2, 3, 4]");
  EXPECT_THAT(message_of([&] { x[-3]; }), HasSubstr("index -3"));
  EXPECT_THAT(message_of([&] { x[0][0][0][0]; }), HasSubstr("a scalar"));
}

TEST(Tensor, SlotsOfAnArena) {
  Tensor arena = zeros(device(), {10});
  Tensor weight = arena.slot(2, {2, 3}), bias = arena.slot(8, {2});
  weight += 1;
  bias += 2;
  EXPECT_TRUE(close(arena, {0, 0, 1, 1, 1, 1, 1, 1, 2, 2}));
  EXPECT_EQ(arena.slot(10, {0}).elements(), 0);
  EXPECT_EQ(weight.slot(4, {2}).view().data, arena.view().as<float>() + 6);
  EXPECT_EQ(message_of([&] { arena.slot(8, {3}); }),
            "slot: [3] at element 8 is outside the 10 elements of [10]");
  EXPECT_THAT(message_of([&] { arena.slot(-1, {3}); }), HasSubstr("slot: [3] at element -1"));
}

TEST(Tensor, CastConvertsAndAliasesWhenNothingChanges) {
  Tensor x = from_vector<float>(device(), {2, 2}, {1, 2.75f, -3, 200});
  Tensor whole = x.cast(DType::i32);
  EXPECT_EQ(whole.shape(), x.shape());
  EXPECT_EQ(whole.dtype(), DType::i32);
  EXPECT_THAT(whole.to_vector<int32_t>(), ElementsAre(1, 2, -3, 200));
  EXPECT_THAT(whole.cast(DType::f64).to_vector<double>(), ElementsAre(1, 2, -3, 200));
  EXPECT_EQ(x.cast(DType::f32).view().data, x.view().data);
  EXPECT_EQ(zeros(device(), {0, 3}).cast(DType::u8).shape(), (Shape{0, 3}));
}

TEST(Tensor, CopyFromConvertsInPlace) {
  Tensor x = zeros(device(), {3});
  const void* address = x.view().data;
  x.copy_from(from_vector<int64_t>(device(), {3}, {4, 5, 6}));
  EXPECT_TRUE(close(x, {4, 5, 6}));
  EXPECT_EQ(x.view().data, address);
  x.copy_from(x);
  EXPECT_TRUE(close(x, {4, 5, 6}));
  EXPECT_EQ(message_of([&] { x.copy_from(zeros(device(), {2})); }),
            "copy_from: expected shape [3], found [2]");
}

TEST(Tensor, CopyFromAnOverlappingPart) {
  Tensor x = arange(device(), 2000);
  Tensor target = x.rows(1, 2000);
  target.copy_from(x.rows(0, 1999));
  std::vector<float> values = x.to_vector<float>();
  EXPECT_EQ(values[0], 0);
  for (size_t i = 1; i < values.size(); ++i) ASSERT_EQ(values[i], static_cast<float>(i - 1));
}

TEST(Tensor, ItemConvertsAnyDtype) {
  EXPECT_EQ(full(device(), {}, 3.5).item<float>(), 3.5f);
  EXPECT_EQ(full(device(), {1, 1}, 3.5).item<int64_t>(), 3);
  EXPECT_EQ(full(device(), {}, 7, DType::u8).item<double>(), 7.0);
  EXPECT_EQ(full(device(), {}, -7, DType::i64).item<int32_t>(), -7);
  EXPECT_EQ(full(device(), {}, 2.25, DType::f64).item<float>(), 2.25f);
  EXPECT_EQ(full(device(), {}, 9, DType::i32).item<uint8_t>(), 9);
  EXPECT_EQ(message_of([] {
              zeros(device(), {2, 3}).item<float>();
            }),
            "item: expected one element, found shape [2, 3]");
}

TEST(Tensor, ToVectorAndToRows) {
  Tensor x = arange(device(), 6).reshape({2, 3});
  EXPECT_THAT(x.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(x[1].to_vector<int32_t>(), ElementsAre(3, 4, 5));
  EXPECT_THAT(x.to_rows<int64_t>(), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5)));
  EXPECT_TRUE(zeros(device(), {0}).to_vector<float>().empty());
  EXPECT_EQ(zeros(device(), {2, 0}).to_rows<float>().size(), 2u);
  EXPECT_EQ(message_of([&] { x[0].to_rows<float>(); }),
            "to_rows: expected a tensor with 2 axes, found [3]");
}

TEST(Tensor, ToAnotherBackendCopies) {
  std::unique_ptr<Backend> other = make_cpu_backend(1);
  Tensor x = arange(device(), 3);
  Tensor moved = x.to(*other);
  EXPECT_EQ(&moved.backend(), other.get());
  x += 1;
  EXPECT_TRUE(close(moved, {0, 1, 2}));
  EXPECT_EQ(x.to(device()).view().data, x.view().data);
  EXPECT_EQ(zeros(device(), {0, 2}).to(*other).shape(), (Shape{0, 2}));
  EXPECT_EQ(message_of([&] { zeros(test::cpu(), {3}) + moved; }),
            "add: expected tensors of one backend, found one on cpu and one on cpu of another "
            "backend");
  EXPECT_THAT(message_of([&] { x.copy_from(moved); }), HasSubstr("copy_from: expected tensors of"));
}

TEST(Tensor, DirectAccessChecksTheDtype) {
  Tensor x = zeros(test::cpu(), {2}, DType::i64);
  EXPECT_EQ(message_of([&] { x.data<float>(); }), "data: expected f32, found i64");
  x.data<int64_t>()[1] = 5;
  EXPECT_THAT(x.to_vector<int64_t>(), ElementsAre(0, 5));
}

}  // namespace
}  // namespace d2l
