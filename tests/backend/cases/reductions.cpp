#include <algorithm>
#include <cmath>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

struct PlainReductions {
  void reduce(Reduction op, const ConstView& x, const View& y) const {
    const Doubles from = doubles(x);
    Doubles total(static_cast<size_t>(y.elements()), op == Reduction::max   ? -kInfinity
                                                     : op == Reduction::min ? kInfinity
                                                                            : 0);
    for (size_t i = 0; i < from.size(); ++i) {
      double& to = total[index_in(x.shape, y.shape, static_cast<int64_t>(i))];
      if (op == Reduction::sum || op == Reduction::mean)
        to += from[i];
      else if (!std::isnan(to) && !(op == Reduction::max ? from[i] <= to : from[i] >= to))
        to = from[i];
    }
    if (op == Reduction::mean)
      for (double& each : total)
        each *= static_cast<double>(total.size()) / static_cast<double>(from.size());
    store(y, total);
  }

 private:
  static size_t index_in(const Shape& x, const Shape& y, int64_t index) {
    int64_t at = 0, step = 1;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      if (y[axis] > 1) at += index % x[axis] * step;
      step *= y[axis];
      index /= x[axis];
    }
    return static_cast<size_t>(at);
  }
};

constexpr Reduction kAll[] = {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min};

struct ReducedShapes {
  Shape x, y;
};

// Sums have another order than in the reference.
Tolerances tolerances_of(Reduction op, const ReducedShapes& shapes) {
  if (op == Reduction::max || op == Reduction::min) return tolerances::kExact;
  const double count = static_cast<double>(shapes.x.elements()) /
                       std::max(1.0, static_cast<double>(shapes.y.elements()));
  return tolerances::kSum.scaled(op == Reduction::sum ? std::sqrt(std::max(1.0, count)) : 1);
}

void expect_reductions(const Tensor& x, const Shape& y, DType result = DType::f32) {
  for (Reduction op : kAll)
    EXPECT_TRUE(agree<PlainReductions>(
        {{x}, {unwritten(y, result)}},
        [op](auto& on, const Inputs& in, const Outputs& out) { on.reduce(op, in[0], out[0]); },
        tolerances_of(op, {x.shape(), y})))
        << x.shape() << " " << to_string(x.dtype()) << " to " << y << " " << to_string(result)
        << " op " << static_cast<int>(op);
}

void expect_reductions(const ReducedShapes& shapes) {
  expect_reductions(random_tensor(shapes.x), shapes.y);
}

TEST(Reduce, OfNoAxes) {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{37, 53}, Shape{1, 10}, Shape{37, 1}})
    expect_reductions({shape, shape});
}

TEST(Reduce, AllToOne) {
  for (int64_t count : {2, 17, 1023, 1025, 8191, 8192, 20003, 100001, 1000003})
    expect_reductions({{count}, {1}});
  expect_reductions({{37, 53}, {1, 1}});
}

TEST(Reduce, Rows) {
  for (const Shape& x : {Shape{50, 2}, Shape{50, 3}, Shape{301, 10}, Shape{3001, 10}, Shape{7, 33},
                         Shape{9, 128}, Shape{20, 1000}, Shape{3, 1024}, Shape{9, 1025},
                         Shape{40, 2049}, Shape{2, 9001}, Shape{5, 100003}})
    expect_reductions({x, {x[0], 1}});
}

TEST(Reduce, Columns) {
  for (const Shape& x :
       {Shape{2, 3}, Shape{9, 10}, Shape{256, 10}, Shape{300, 64}, Shape{701, 120}, Shape{1100, 64},
        Shape{3001, 63}, Shape{3001, 64}, Shape{5000, 3}, Shape{5000, 2}, Shape{100003, 3},
        Shape{100001, 2}, Shape{30, 2051}, Shape{31, 2048}, Shape{300, 5001}})
    expect_reductions({x, {1, x[1]}});
}

TEST(Reduce, AxesInTheMiddle) {
  for (const Shape& x : {Shape{8, 49, 64}, Shape{3, 4001, 5}, Shape{2, 300, 4}, Shape{33000, 2, 2}})
    expect_reductions({x, {x[0], 1, x[2]}});
}

TEST(Reduce, AnySetOfAxes) {
  for (const Shape& y : {Shape{1, 5, 1, 1}, Shape{7, 1, 40, 1}, Shape{1, 5, 1, 3},
                         Shape{7, 1, 1, 3}, Shape{1, 1, 40, 1}, Shape{1, 5, 40, 1}})
    expect_reductions({{7, 5, 40, 3}, y});
  expect_reductions({{64, 30, 700}, {1, 30, 1}});
  expect_reductions({{2, 3, 2, 3, 2, 3, 2, 3}, {1, 3, 1, 3, 1, 3, 1, 3}});
  expect_reductions({{2, 3, 2, 3, 2, 3, 2, 3}, {2, 1, 2, 1, 2, 1, 2, 1}});
}

TEST(Reduce, SixteenBitsOnEitherSide) {
  for (DType half : floats())
    for (auto [x, y] : {std::pair{half, half}, {half, DType::f32}, {DType::f32, half}})
      for (const ReducedShapes& shapes :
           {ReducedShapes{{37}, {37}}, ReducedShapes{{9001}, {1}}, ReducedShapes{{30, 10}, {30, 1}},
            ReducedShapes{{5, 1501}, {5, 1}}, ReducedShapes{{300, 10}, {1, 10}},
            ReducedShapes{{1100, 64}, {1, 64}}, ReducedShapes{{7, 5, 40, 3}, {1, 5, 1, 3}}})
        if (half != DType::f32) expect_reductions(random_tensor(shapes.x, x), shapes.y, y);
}

TEST(Reduce, AnyAddress) {
  for (DType dtype : floats())
    for (int64_t first : {1, 2, 3, 7})
      for (const ReducedShapes& shapes :
           {ReducedShapes{{5003}, {1}}, ReducedShapes{{64, 12}, {64, 1}},
            ReducedShapes{{64, 16}, {1, 16}}, ReducedShapes{{3}, {1}}})
        EXPECT_TRUE(agree<PlainReductions>(
            {{random_tensor({6000}, dtype)}, {unwritten(shapes.y)}},
            [&](auto& on, const Inputs& in, const Outputs& out) {
              on.reduce(Reduction::sum, part(in[0], first, shapes.x), out[0]);
            },
            tolerances_of(Reduction::sum, shapes)))
            << shapes.x << " from " << first;
}

TEST(Reduce, NaNAndInfinity) {
  for (const ReducedShapes& shapes :
       {ReducedShapes{{5}, {1}}, ReducedShapes{{100}, {1}}, ReducedShapes{{5000}, {1}},
        ReducedShapes{{9000}, {1}}, ReducedShapes{{1, 5}, {1, 5}}, ReducedShapes{{20, 5}, {1, 5}},
        ReducedShapes{{100, 5}, {1, 5}}, ReducedShapes{{1000, 5}, {1, 5}},
        ReducedShapes{{5, 100}, {5, 1}}, ReducedShapes{{3, 2000}, {3, 1}}})
    for (float special : {kNaN, kInfinity, -kInfinity})
      for (int64_t at : {int64_t{0}, shapes.x.elements() / 2, shapes.x.elements() - 1}) {
        Tensor x = random_tensor(shapes.x);
        x.data<float>()[at] = special;
        expect_reductions(x, shapes.y);
      }
}

TEST(Reduce, Empty) {
  for (const ReducedShapes& shapes :
       {ReducedShapes{{0, 3}, {1, 3}}, ReducedShapes{{3, 0}, {3, 1}}, ReducedShapes{{0}, {1}},
        ReducedShapes{{0, 3}, {0, 1}}, ReducedShapes{{0, 3}, {0, 3}},
        ReducedShapes{{2, 0, 3}, {2, 1, 3}}})
    expect_reductions(shapes);
}

TEST(Reduce, LongSumsStayAccurate) {
  const auto expect = [](const ReducedShapes& shapes, double value, Reduction op,
                         const Tolerances& tolerances = tolerances::kLongSum) {
    EXPECT_TRUE(agree<PlainReductions>(
        {{full(host(), shapes.x, value)}, {unwritten(shapes.y)}},
        [op](auto& on, const Inputs& in, const Outputs& out) { on.reduce(op, in[0], out[0]); },
        tolerances))
        << shapes.x;
  };
  for (const ReducedShapes& shapes :
       {ReducedShapes{{1000000}, {1}}, ReducedShapes{{300000, 3}, {1, 3}},
        ReducedShapes{{2, 500000}, {2, 1}}})
    expect(shapes, 0.1, Reduction::sum);
  expect({{1000000}, {1}}, 1, Reduction::sum);
  for (Reduction op : {Reduction::sum, Reduction::mean}) expect({{10000000}, {1}}, 0.1, op);
  for (int64_t columns : {2, 3, 10, 64, 100})
    expect({{10000000 / columns, columns}, {1, columns}}, 0.1, Reduction::sum,
           tolerances::kLongColumns);
}

TEST(Reduce, GivesItsMemoryBack) {
  const size_t before = tested().pool().stats().bytes_in_use;
  outputs_of({{random_tensor({7, 50, 400, 3})}, {unwritten({1, 50, 1, 3})}},
             [](Backend& on, const Inputs& in, const Outputs& out) {
               on.reduce(Reduction::sum, in[0], out[0]);
             });
  EXPECT_EQ(tested().pool().stats().bytes_in_use, before);
}

}  // namespace
}  // namespace d2l::test
