#include "framework/tensor/index.h"

#include <gmock/gmock.h>

#include <limits>

#include "framework/tensor/create.h"
#include "tests/support/support.h"
#include "tests/tensor/reference.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::Dice;
using test::message_of;
using testing::HasSubstr;

// The list of Python's range(*slice(begin, end, step).indices(size)), counted one by one.
std::vector<int64_t> listed(std::optional<int64_t> begin, std::optional<int64_t> end, int64_t step,
                            int64_t size) {
  auto normal = [&](int64_t position) {
    if (position < 0) position += size;
    if (position < 0) return step > 0 ? int64_t{0} : int64_t{-1};
    if (position >= size) return step > 0 ? size : size - 1;
    return position;
  };
  int64_t from = begin ? normal(*begin) : (step > 0 ? 0 : size - 1);
  int64_t to = end ? normal(*end) : (step > 0 ? size : -1);
  std::vector<int64_t> positions;
  for (int64_t i = from; step > 0 ? i < to : i > to; i += step) positions.push_back(i);
  return positions;
}

std::vector<int64_t> positions_of(const Index& index, int64_t size) {
  Index::Range range = index.resolve(size);
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < range.count; ++i) positions.push_back(range.first + i * range.step);
  return positions;
}

TEST(Index, EveryRangeOfSmallAxesAsPython) {
  for (int64_t size = 0; size <= 5; ++size)
    for (int64_t step : {-7, -3, -2, -1, 1, 2, 3, 7})
      for (int64_t begin = -8; begin <= 8; ++begin) {
        ASSERT_EQ(positions_of(Index(begin, {}, step), size), listed(begin, {}, step, size))
            << begin << " " << step << " " << size;
        for (int64_t end = -8; end <= 8; ++end)
          ASSERT_EQ(positions_of(Index(begin, end, step), size), listed(begin, end, step, size))
              << begin << " " << end << " " << step << " " << size;
      }
}

TEST(Index, ExtremeNumbers) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(positions_of(Index(0, kMost, kMost), 4), (std::vector<int64_t>{0}));
  EXPECT_EQ(positions_of(Index(kLeast, kMost, 2), 4), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(positions_of(Index(kMost, kLeast, kLeast), 4), (std::vector<int64_t>{3}));
  Tensor x = arange(device(), 24).reshape({4, 6});
  EXPECT_TRUE(close(get(x, {Index(0, {}, kMost), Index(0, 2)}), {0, 1}));
}

TEST(Index, RefusesWhatIsOutside) {
  EXPECT_THAT(message_of([] { Index(4).resolve(4); }),
              HasSubstr("index 4 is outside an axis of 4 elements"));
  EXPECT_THAT(message_of([] { Index(-5).resolve(4); }), HasSubstr("index -5"));
  EXPECT_THAT(message_of([] { Index(0, 2, 0).resolve(4); }), HasSubstr("step"));
  Tensor x = zeros(device(), {2, 3});
  EXPECT_EQ(message_of([&] {
              get(x, {Index(), 3});
            }),
            "get: axis 1 of [2, 3]: index 3 is outside an axis of 3 elements");
  EXPECT_EQ(message_of([&] { get(x, {0, 0, 0}); }), "get: 3 indices for [2, 3], which has 2 axes");
  EXPECT_THAT(message_of([&] { assign(x, {2}, 1.0); }), HasSubstr("assign: axis 0 of [2, 3]"));
}

TEST(Get, TheBooksForms) {
  Tensor x = arange(device(), 12).reshape({3, 4});
  EXPECT_TRUE(close(get(x, {-1}), {8, 9, 10, 11}));
  EXPECT_TRUE(close(get(x, {Index(1, 3)}), {4, 5, 6, 7, 8, 9, 10, 11}));
  Tensor column = get(x, {Index(), 1});
  EXPECT_EQ(column.shape(), (Shape{3}));
  EXPECT_TRUE(close(column, {1, 5, 9}));
  Tensor corner = get(x, {Index(1, 3), Index(1, {})});
  EXPECT_EQ(corner.shape(), (Shape{2, 3}));
  EXPECT_TRUE(close(corner, {5, 6, 7, 9, 10, 11}));
  EXPECT_TRUE(close(get(x, {Index(0, {}, 3), Index(0, {}, 2)}), {0, 2}));
  EXPECT_EQ(get(x, {1, 2}).rank(), 0);
  EXPECT_EQ(get(x, {1, 2}).item<float>(), 6);
  EXPECT_TRUE(close(get(x, {Index(-1, {}, -1), 0}), {8, 4, 0}));
}

TEST(Get, AnswersNewMemory) {
  Tensor x = arange(device(), 4);
  Tensor all = get(x, {});
  x[0].copy_from(full(device(), {}, 9));
  EXPECT_TRUE(close(all, {0, 1, 2, 3}));
}

TEST(Get, KeepsTheDtypeAndAllowsNothing) {
  Tensor x = arange(device(), 6, DType::i64);
  EXPECT_EQ(get(x, {Index(1, 6, 2)}).to_vector<int64_t>(), (std::vector<int64_t>{1, 3, 5}));
  EXPECT_EQ(get(x, {Index(4, 2)}).shape(), (Shape{0}));
}

TEST(Assign, WritesElementsRowsAndBlocks) {
  Tensor x = arange(device(), 12).reshape({3, 4});
  const void* address = x.view().data;
  assign(x, {1, 2}, 9);
  EXPECT_TRUE(close(x, {0, 1, 2, 3, 4, 5, 9, 7, 8, 9, 10, 11}));
  assign(x, {Index(0, 2)}, 12);
  EXPECT_TRUE(close(x, {12, 12, 12, 12, 12, 12, 12, 12, 8, 9, 10, 11}));
  assign(x, {Index(0, {}, 2), Index(0, {}, 3)}, from_list(device(), {{1, 2}, {3, 4}}));
  EXPECT_TRUE(close(x, {1, 12, 12, 2, 12, 12, 12, 12, 3, 9, 10, 4}));
  assign(x, {}, from_list(device(), {1, 2, 3, 4}));
  EXPECT_TRUE(close(x, {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}));
  EXPECT_EQ(x.view().data, address);
}

TEST(Assign, BroadcastsAndConverts) {
  Tensor x = zeros(device(), {2, 3});
  assign(x, {Index(), Index(0, 2)}, from_vector<int64_t>(device(), {2, 1}, {5, 6}));
  EXPECT_TRUE(close(x, {5, 5, 0, 6, 6, 0}));
  Tensor labels = zeros(device(), {3}, DType::i64);
  assign(labels, {Index(1, {})}, 8);
  EXPECT_EQ(labels.to_vector<int64_t>(), (std::vector<int64_t>{0, 8, 8}));
  EXPECT_EQ(message_of([&] { assign(x, {0}, zeros(device(), {2})); }),
            "assign: [2] does not broadcast to [3]");
  EXPECT_THAT(message_of([&] {
                assign(x, {0}, zeros(device(), {1, 3}));
              }),
              HasSubstr("assign: [1, 3] does not broadcast to [3]"));
}

TEST(Assign, FromAnOverlappingAlias) {
  Tensor x = arange(device(), 8).reshape({4, 2});
  assign(x, {Index(1, 4)}, x.rows(0, 3));
  EXPECT_TRUE(close(x, {0, 1, 0, 1, 2, 3, 4, 5}));
  Tensor y = arange(device(), 4);
  assign(y, {Index(-1, {}, -1)}, y);
  EXPECT_TRUE(close(y, {3, 2, 1, 0}));
}

TEST(AddAt, AddsToTheSelection) {
  Tensor x = ones(device(), {2, 3});
  add_at(x, {Index(), Index(-1, {}, -2)}, from_list(device(), {{1, 2}, {3, 4}}));
  EXPECT_TRUE(close(x, {3, 1, 2, 5, 1, 4}));
  EXPECT_EQ(message_of([&] {
              add_at(x, {0}, zeros(device(), {1, 3}));
            }),
            "add_at: [2, 3] has [3] at these indices, the value is [1, 3]");
  EXPECT_THAT(message_of([&] { add_at(x, {0}, zeros(device(), {3}, DType::i64)); }),
              HasSubstr("add_at: expected f32, found i64"));
}

// One random index per axis and its selected positions, computed independently.
struct RandomIndices {
  std::vector<Index> indices;
  std::vector<std::vector<int64_t>> positions;  // per axis of x
  std::vector<bool> dropped;
  Shape shape;  // of the selection
};

RandomIndices random_indices(Dice& dice, const Shape& shape) {
  RandomIndices result;
  int64_t given = dice.between(0, shape.rank());
  for (int axis = 0; axis < shape.rank(); ++axis) {
    int64_t size = shape[axis];
    bool drop = false;
    std::vector<int64_t> positions = listed({}, {}, 1, size);
    if (axis < given && dice.chance(0.3) && size > 0) {
      int64_t element = dice.between(-size, size - 1);
      result.indices.push_back(element);
      positions = {element < 0 ? element + size : element};
      drop = true;
    } else if (axis < given && dice.chance(0.85)) {
      int64_t begin = dice.between(-size - 2, size + 2), step = dice.between(1, 3);
      if (dice.chance(0.4)) step = -step;
      std::optional<int64_t> end;
      if (dice.chance(0.6)) end = dice.between(-size - 2, size + 2);
      result.indices.push_back(Index(begin, end, step));
      positions = listed(begin, end, step, size);
    } else if (axis < given) {
      result.indices.push_back(Index());
    }
    if (!drop) result.shape.append(static_cast<int64_t>(positions.size()));
    result.positions.push_back(positions);
    result.dropped.push_back(drop);
  }
  return result;
}

// The element of x at one index of the selection.
size_t source_element(const RandomIndices& chosen, const Shape& shape,
                      const std::vector<int64_t>& index) {
  int64_t element = 0;
  size_t next = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    auto at = static_cast<size_t>(axis);
    int64_t step = chosen.dropped[at] ? 0 : index[next++];
    element = element * shape[axis] + chosen.positions[at][static_cast<size_t>(step)];
  }
  return static_cast<size_t>(element);
}

TEST(Index, FuzzGetAssignAndAddAtAgainstLoops) {
  Dice dice(20240531);
  int nonempty = 0;
  for (int round = 0; round < 1000; ++round) {
    Shape shape = dice.shape(5, 6, round % 10 == 0 ? 0 : 1);
    std::vector<float> values = dice.values(shape.elements());
    Tensor x = from_vector(device(), shape, values);
    RandomIndices chosen = random_indices(dice, shape);
    std::vector<float> added = dice.values(chosen.shape.elements());
    std::vector<float> picked, assigned = values, summed = values;
    test::for_each_index(chosen.shape, [&](const std::vector<int64_t>& index) {
      size_t element = source_element(chosen, shape, index);
      assigned[element] = added[picked.size()];
      summed[element] += added[picked.size()];
      picked.push_back(values[element]);
    });
    nonempty += picked.size() > 1;

    Tensor part = get(x, chosen.indices);
    ASSERT_EQ(part.shape(), chosen.shape) << round;
    ASSERT_EQ(part.to_vector<float>(), picked) << round << " of " << shape;
    Tensor value = from_vector(device(), chosen.shape, added), total = x.clone();
    add_at(total, chosen.indices, value);
    ASSERT_EQ(total.to_vector<float>(), summed) << round << " of " << shape;
    assign(x, chosen.indices, value);
    ASSERT_EQ(x.to_vector<float>(), assigned) << round << " of " << shape;
  }
  EXPECT_GT(nonempty, 400);
}

}  // namespace
}  // namespace d2l
