#include <limits>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

const std::vector<Unary> kUnaries = {Unary::negate, Unary::exp,  Unary::log,        Unary::sqrt,
                                     Unary::square, Unary::abs,  Unary::reciprocal, Unary::sin,
                                     Unary::cos,    Unary::relu, Unary::sigmoid,    Unary::tanh,
                                     Unary::gelu};
const std::vector<Binary> kBinaries = {Binary::add, Binary::sub,     Binary::mul,    Binary::div,
                                       Binary::pow, Binary::maximum, Binary::minimum};

// A few units in the last place: the device has its own exp, log and the like.
Tolerance close(DType dtype) {
  return {.relative = is_half(dtype) ? 8e-3 : 4e-6, .absolute = 1e-6};
}
// Only exp, log, sin, cos, pow and what is made of them may differ at all.
Tolerance close(Unary op, DType dtype) {
  for (Unary exact :
       {Unary::negate, Unary::sqrt, Unary::square, Unary::abs, Unary::reciprocal, Unary::relu})
    if (op == exact) return {};
  return close(dtype);
}
Tolerance close(Binary op, DType dtype) { return op == Binary::pow ? close(dtype) : Tolerance{}; }

// `shape` at element `first`: where packs of 16 bytes may not begin.
ConstView part(const ConstView& view, int64_t first, const Shape& shape) {
  return {view.as<char>() + first * static_cast<int64_t>(size_of(view.dtype)), view.dtype, shape};
}
View part(const View& view, int64_t first, const Shape& shape) {
  return {view.as<char>() + first * static_cast<int64_t>(size_of(view.dtype)), view.dtype, shape};
}

TEST(CudaElementwise, Unary) {
  for (Unary op : kUnaries)
    for (DType dtype : kFloats)
      for (int64_t size : {0, 1, 7, 64, 3001})
        EXPECT_TRUE(like_cpu(
            {{random_tensor({size}, dtype)}, {unwritten({size}, dtype)}},
            [op](Backend& on, const auto& in, const auto& out) { on.unary(op, in[0], out[0]); },
            close(op, dtype)))
            << name_of(op) << " " << size;
}

TEST(CudaElementwise, UnaryAtTheEndsOfTheRange) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Tensor x = from_vector<float>(host(), {9},
                                {-kInfinity, -1e30f, -80, -0.0f, 0, 80, 1e30f, kInfinity,
                                 std::numeric_limits<float>::quiet_NaN()});
  for (Unary op : {Unary::negate, Unary::exp, Unary::log, Unary::sqrt, Unary::square, Unary::abs,
                   Unary::reciprocal, Unary::relu, Unary::sigmoid, Unary::tanh, Unary::gelu})
    EXPECT_TRUE(like_cpu(
        {{x}, {unwritten({9})}},
        [op](Backend& on, const auto& in, const auto& out) { on.unary(op, in[0], out[0]); },
        close(DType::f32)))
        << name_of(op);
}

TEST(CudaElementwise, UnaryInPlaceAndUnaligned) {
  for (DType dtype : kFloats)
    for (int64_t first : {0, 1, 3, 8})
      EXPECT_TRUE(like_cpu(
          {{}, {random_tensor({1100}, dtype)}},
          [first](Backend& on, const auto&, const auto& out) {
            const View x = part(out[0], first, {1001});
            on.unary(Unary::sigmoid, x, x);
          },
          close(dtype)))
          << first;
}

TEST(CudaElementwise, UnaryBackward) {
  for (Unary op : kUnaries)
    for (DType dtype : kFloats)
      for (int64_t size : {0, 1, 13, 2003}) {
        Tensor x = random_tensor({size}, dtype, 0.1, 2), y = random_tensor({size}, dtype);
        EXPECT_TRUE(like_cpu(
            {{x, y, random_tensor({size}, dtype)}, {unwritten({size}, dtype)}},
            [op](Backend& on, const auto& in, const auto& out) {
              on.unary_backward(op, in[0], in[1], in[2], out[0]);
            },
            close(dtype)))
            << name_of(op) << " " << size;
      }
}

TEST(CudaElementwise, ActivationBackwardWithoutTheInputInPlace) {
  for (Unary op : {Unary::relu, Unary::sigmoid, Unary::tanh})
    for (DType dtype : kFloats)
      for (int64_t first : {0, 5})
        EXPECT_TRUE(like_cpu(
            {{random_tensor({1101}, dtype)}, {random_tensor({1101}, dtype)}},
            [&](Backend& on, const auto& in, const auto& out) {
              const View grad = part(out[0], first, {1001});
              on.unary_backward(op, {}, part(in[0], first, {1001}), grad, grad);
            },
            close(dtype)));
}

struct Shapes {
  Shape a, b, out;
};

const std::vector<Shapes>& broadcasts() {
  static const std::vector<Shapes> all = {
      {{}, {}, {}},
      {{1}, {5}, {5}},
      {{1003}, {1003}, {1003}},
      {{17}, {1}, {17}},
      {{20, 100}, {1}, {20, 100}},
      {{}, {20, 101}, {20, 101}},
      {{301, 10}, {10}, {301, 10}},
      {{3}, {701, 3}, {701, 3}},
      {{37, 28}, {28}, {37, 28}},
      {{20, 32}, {1, 32}, {20, 32}},
      {{301, 8}, {301, 1}, {301, 8}},
      {{301, 1}, {301, 33}, {301, 33}},
      {{41, 1}, {1, 53}, {41, 53}},
      {{1, 52}, {41, 1}, {41, 52}},
      {{6, 5, 4}, {6, 1, 4}, {6, 5, 4}},
      {{6, 1, 4}, {5, 1}, {6, 5, 4}},
      {{2, 1, 3, 1, 4}, {5, 1, 6, 4}, {2, 5, 3, 6, 4}},
      {{3, 5, 1, 16}, {3, 1, 7, 16}, {3, 5, 7, 16}},
      {{2, 1, 2, 1, 2, 1, 2, 1}, {1, 3, 1, 3, 1, 3, 1, 3}, {2, 3, 2, 3, 2, 3, 2, 3}},
      {{4, 1, 1}, {1, 1, 1}, {4, 5, 6}},  // out is wider than both
      {{0, 4}, {4}, {0, 4}},
  };
  return all;
}

struct Types {
  DType a, b, out;
};

TEST(CudaElementwise, BinaryBroadcasts) {
  for (const Types& types :
       {Types{DType::f32, DType::f32, DType::f32}, Types{DType::bf16, DType::bf16, DType::bf16},
        Types{DType::f32, DType::bf16, DType::bf16}, Types{DType::bf16, DType::f32, DType::f32},
        Types{DType::f16, DType::f16, DType::f16}, Types{DType::f32, DType::f16, DType::f16},
        Types{DType::f16, DType::f32, DType::f32}, Types{DType::bf16, DType::f16, DType::f32}})
    for (const Shapes& shapes : broadcasts())
      for (Binary op : kBinaries)
        EXPECT_TRUE(like_cpu(
            {{random_tensor(shapes.a, types.a, 0.5, 3), random_tensor(shapes.b, types.b, 0.5, 3)},
             {unwritten(shapes.out, types.out)}},
            [op](Backend& on, const auto& in, const auto& out) {
              on.binary(op, in[0], in[1], out[0]);
            },
            close(op, types.out)))
            << shapes.a << " " << name_of(op) << " " << shapes.b << " in " << to_string(types.out);
}

TEST(CudaElementwise, BinaryInPlace) {
  for (DType dtype : kFloats)
    for (int64_t columns : {10, 16})
      for (bool left : {true, false}) {
        const Shape shape{101, columns};
        EXPECT_TRUE(like_cpu({{random_tensor({columns}, dtype)}, {random_tensor(shape, dtype)}},
                             [&](Backend& on, const auto& in, const auto& out) {
                               if (left)
                                 on.binary(Binary::sub, out[0], in[0], out[0]);
                               else
                                 on.binary(Binary::sub, in[0], out[0], out[0]);
                             }));
        EXPECT_TRUE(like_cpu({{random_tensor(shape, dtype)}, {random_tensor(shape, dtype)}},
                             [&](Backend& on, const auto& in, const auto& out) {
                               if (left)
                                 on.binary(Binary::sub, out[0], in[0], out[0]);
                               else
                                 on.binary(Binary::sub, in[0], out[0], out[0]);
                             }));
      }
}

// Packs can neither be read nor written, or only some of them.
TEST(CudaElementwise, BinaryUnaligned) {
  for (DType dtype : kFloats)
    for (int64_t first_a : {0, 2})
      for (int64_t first_out : {0, 3})
        for (const Shape& shape : {Shape{32}, Shape{24, 32}})
          EXPECT_TRUE(like_cpu({{random_tensor({1000}, dtype), random_tensor({1000}, dtype)},
                                {random_tensor({1000}, dtype)}},
                               [&](Backend& on, const auto& in, const auto& out) {
                                 on.binary(Binary::mul, part(in[0], first_a, shape),
                                           part(in[1], first_out, {24, 32}),
                                           part(out[0], first_out, {24, 32}));
                               }));
}

TEST(CudaElementwise, LargestAndSmallestKeepNaN) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  Tensor a = from_vector<float>(host(), {4}, {kNaN, 1, kNaN, 2});
  Tensor b = from_vector<float>(host(), {4}, {1, kNaN, kNaN, 3});
  for (Binary op : {Binary::maximum, Binary::minimum})
    EXPECT_TRUE(like_cpu({{a, b}, {unwritten({4}), unwritten({4}), unwritten({4})}},
                         [op](Backend& on, const auto& in, const auto& out) {
                           on.binary(op, in[0], in[1], out[0]);
                           on.binary_scalar(op, in[0], 1.5, out[1]);
                           on.scalar_binary(op, 1.5, in[0], out[2]);
                         }));
}

TEST(CudaElementwise, ScalarsOnEitherSide) {
  for (DType dtype : kFloats)
    for (Binary op : kBinaries)
      for (double scalar : {2.0, 3.0, 0.5, 1.7})
        for (int64_t size : {0, 1, 1003})
          EXPECT_TRUE(like_cpu(
              {{random_tensor({size}, dtype, 0.5, 3)},
               {unwritten({size}, dtype), unwritten({size}, dtype)}},
              [&](Backend& on, const auto& in, const auto& out) {
                on.binary_scalar(op, in[0], scalar, out[0]);
                on.scalar_binary(op, scalar, in[0], out[1]);
              },
              close(op, dtype)))
              << name_of(op) << " " << scalar;
}

TEST(CudaElementwise, CompareBroadcasts) {
  for (const Shapes& shapes : broadcasts())
    for (Compare op : {Compare::equal, Compare::not_equal, Compare::less, Compare::less_equal,
                       Compare::greater, Compare::greater_equal}) {
      Tensor a = random_indices(shapes.a, 0, 4).cast(DType::f32);
      Tensor b = random_indices(shapes.b, 0, 4).cast(DType::f32);
      if (a.elements() > 1) a.data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(like_cpu({{a, b}, {unwritten(shapes.out, DType::u8)}},
                           [op](Backend& on, const auto& in, const auto& out) {
                             on.compare(op, in[0], in[1], out[0]);
                           }))
          << shapes.a << " " << shapes.b << " " << static_cast<int>(op);
    }
}

TEST(CudaElementwise, Axpby) {
  for (DType of_x : kFloats)
    for (DType of_y : kFloats)
      for (int64_t size : {0, 1, 1003}) {
        if (of_x != of_y && is_half(of_x) && is_half(of_y)) continue;  // is refused
        Tensor x = random_tensor({size}, of_x);
        // the CPU's reads no bf16 next to f32
        EXPECT_TRUE(like_cpu(
            {{x, x.cast(DType::f32)}, {random_tensor({size}, of_y), unwritten({size}, of_y)}},
            [](Backend& on, const auto& in, const auto& out) {
              const ConstView& from = &on == &host() ? in[1] : in[0];
              on.axpby(0.5, from, -2, out[0]);
              on.axpby(0.7, from, 0, out[1]);  // must not read NaN
            },
            close(of_y)));
      }
  EXPECT_TRUE(like_cpu(
      {{}, {random_tensor({1003})}},
      [](Backend& on, const auto&, const auto& out) { on.axpby(0.5, out[0], -2, out[0]); },
      close(DType::f32)));
}

}  // namespace
}  // namespace d2l::test
