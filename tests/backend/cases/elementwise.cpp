#include <cmath>

#include "framework/backend/formulas.h"
#include "tests/backend/cases/compare.h"
#include "tests/backend/cases/plain_elementwise.h"

namespace d2l::test {
namespace {

struct UnaryCase {
  Unary op;
  double low, high;
  bool exact = false;  // other functions differ between devices
};

const std::vector<UnaryCase> kUnaries = {{Unary::negate, -9, 9, true},
                                         {Unary::exp, -80, 80},
                                         {Unary::log, 1e-3, 1e3},
                                         {Unary::sqrt, 1e-3, 1e3, true},
                                         {Unary::square, -9, 9, true},
                                         {Unary::abs, -9, 9, true},
                                         {Unary::reciprocal, 0.1, 9, true},
                                         {Unary::sin, -9, 9},
                                         {Unary::cos, -9, 9},
                                         {Unary::relu, -9, 9, true},
                                         {Unary::sigmoid, -20, 9},
                                         {Unary::tanh, -9, 9},
                                         {Unary::gelu, -9, 9}};

bool reads_y_only(Unary op) {
  return op == Unary::relu || op == Unary::sigmoid || op == Unary::tanh;
}

void expect_unary(const UnaryCase& c, int64_t size, DType dtype) {
  const Tolerances tolerances = c.exact ? tolerances::kExact : tolerances::kTranscendental;
  for (const auto& [low, high] : {std::pair(c.low, c.high), std::pair(-2.0, 2.0)})
    EXPECT_TRUE(agree<PlainElementwise>(
        {{random_tensor({size}, dtype, low, high)}, {unwritten({size}, dtype)}},
        [&](auto& on, const Inputs& in, const Outputs& out) { on.unary(c.op, in[0], out[0]); },
        tolerances))
        << name_of(c.op) << " " << size << " " << to_string(dtype);
  const Tensor x = random_tensor({size}, dtype, c.low, c.high);
  Tensor y = unwritten({size}, dtype);
  PlainElementwise().unary(c.op, x.view(), y.view());
  for (bool with_x : {true, false}) {
    if (!with_x && !reads_y_only(c.op)) continue;
    EXPECT_TRUE(agree<PlainElementwise>(
        {{x, y, random_tensor({size}, dtype, -1, 1)}, {unwritten({size}, dtype)}},
        [&](auto& on, const Inputs& in, const Outputs& out) {
          on.unary_backward(c.op, with_x ? in[0] : ConstView{}, in[1], in[2], out[0]);
        },
        tolerances::kTranscendental))
        << "derivative of " << name_of(c.op) << " " << size << " " << to_string(dtype);
  }
}

TEST(Unary, ValuesAndDerivatives) {
  for (const UnaryCase& c : kUnaries)
    for (DType dtype : floats())
      for (int64_t size : {0, 1, 3, 7, 13, 17, 64, 1000, 2003, 3001}) expect_unary(c, size, dtype);
}

TEST(Unary, OfManyElements) {
  for (const UnaryCase& c : kUnaries) expect_unary(c, 1000003, DType::f32);
}

void expect_unary(Unary op, const std::vector<float>& x, const Tolerances& tolerances) {
  const Shape shape{static_cast<int64_t>(x.size())};
  EXPECT_TRUE(agree<PlainElementwise>(
      {{from_vector(host(), shape, x)}, {unwritten(shape)}},
      [op](auto& on, const Inputs& in, const Outputs& out) { on.unary(op, in[0], out[0]); },
      tolerances))
      << name_of(op);
}

TEST(Unary, AtTheEndsOfTheRange) {
  for (Unary op : {Unary::negate, Unary::exp, Unary::log, Unary::sqrt, Unary::square, Unary::abs,
                   Unary::reciprocal, Unary::relu, Unary::sigmoid, Unary::tanh, Unary::gelu})
    expect_unary(op,
                 {-kInfinity, -1e30f, -200, -80, -0.0f, 0, 1e-30f, 80, 200, 1e30f, kInfinity, kNaN},
                 tolerances::kTranscendental);
}

// Denormal results, the last finite ones and overflow.
TEST(Unary, ExpAndLogAtTheEndsOfTheirRange) {
  expect_unary(Unary::exp,
               {-kInfinity, -1000, -104, -103, -95, -87.5f, -0.0f, 88.7f, 88.8f, 1000, kInfinity},
               tolerances::kExpOfExtremes);
  expect_unary(Unary::log,
               {0.0f, -0.0f, -1, -1e-40f, 1e-45f, 1e-40f, 1.2e-38f, 1, 3.4e38f, kInfinity, kNaN},
               tolerances::kLogOfExtremes);
}

// Errors over the whole range that occurs in training, in units of 2^-24.
TEST(Unary, AccuracyOfTheTranscendentalFunctions) {
  struct AccuracyCase {
    Unary op;
    double low, high, units;
  };
  for (const AccuracyCase& range :
       {AccuracyCase{Unary::exp, -87, 88, 3}, AccuracyCase{Unary::log, 1e-6, 4, 3},
        AccuracyCase{Unary::tanh, -0.099, 0.099, 4}, AccuracyCase{Unary::tanh, 0.1, 10, 17},
        AccuracyCase{Unary::sigmoid, -80, 20, 5}}) {
    constexpr int64_t kCount = 1 << 20;
    std::vector<float> x;
    for (int64_t i = 0; i < kCount; ++i)
      x.push_back(static_cast<float>(range.low) +
                  static_cast<float>(range.high - range.low) * static_cast<float>(i) / kCount);
    expect_unary(range.op, x, tolerances::units_of_f32(range.units));
  }
}

// The error is absolute: far to the left, where the result is nearly 0, few digits are correct.
TEST(Unary, GeluMatchesTheErrorFunction) {
  constexpr int64_t kCount = 1 << 18;
  const Tensor x = arange(host(), -20, 20, 40.0 / kCount);
  EXPECT_TRUE(agree<PlainElementwise>(
      {{x, ones(host(), x.shape())}, {unwritten(x.shape()), unwritten(x.shape())}},
      [](auto& on, const Inputs& in, const Outputs& out) {
        on.unary(Unary::gelu, in[0], out[0]);
        on.unary_backward(Unary::gelu, in[0], out[0], in[1], out[1]);
      },
      tolerances::kGelu));
}

TEST(Unary, InPlaceAndUnaligned) {
  for (DType dtype : floats())
    for (int64_t first : {0, 1, 3, 8})
      EXPECT_TRUE(agree<PlainElementwise>(
          {{}, {random_tensor({1100}, dtype)}},
          [first](auto& on, const Inputs&, const Outputs& out) {
            const View x = part(out[0], first, {1001});
            on.unary(Unary::sigmoid, x, x);
          },
          tolerances::kTranscendental))
          << first;
}

TEST(Unary, ActivationBackwardWithoutTheInputInPlace) {
  for (Unary op : {Unary::relu, Unary::sigmoid, Unary::tanh})
    for (DType dtype : floats())
      for (int64_t first : {0, 5})
        EXPECT_TRUE(agree<PlainElementwise>(
            {{random_tensor({1101}, dtype)}, {random_tensor({1101}, dtype)}},
            [&](auto& on, const Inputs& in, const Outputs& out) {
              const View grad = part(out[0], first, {1001});
              on.unary_backward(op, {}, part(in[0], first, {1001}), grad, grad);
            },
            tolerances::kTranscendental));
}

const std::vector<Binary> kBinaries = {Binary::add, Binary::sub,     Binary::mul,    Binary::div,
                                       Binary::pow, Binary::maximum, Binary::minimum};

Tolerances tolerances_of(Binary op) {
  return op == Binary::pow ? tolerances::kTranscendental : tolerances::kExact;
}

struct BroadcastShapes {
  Shape a, b, out;
};

const std::vector<BroadcastShapes>& broadcasts() {
  static const std::vector<BroadcastShapes> all = {
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
      {{301, 10}, {301, 1}, {301, 10}},
      {{301, 1}, {301, 33}, {301, 33}},
      {{41, 1}, {1, 53}, {41, 53}},
      {{1, 52}, {41, 1}, {41, 52}},
      {{1, 53}, {41, 1}, {41, 53}},
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

// More elements than a CPU thread takes at a time.
const std::vector<BroadcastShapes>& large_broadcasts() {
  static const std::vector<BroadcastShapes> all = {
      {{1000003}, {1000003}, {1000003}},   {{100, 1000}, {1}, {100, 1000}},
      {{}, {100, 1000}, {100, 1000}},      {{3}, {70001, 3}, {70001, 3}},
      {{37, 129}, {129}, {37, 129}},       {{200, 300}, {1, 300}, {200, 300}},
      {{3001, 1}, {3001, 33}, {3001, 33}}, {{40, 1, 50, 3}, {40, 60, 1, 3}, {40, 60, 50, 3}}};
  return all;
}

struct BinaryTypes {
  DType a, b, out;

  bool has(DType dtype) const { return a == dtype || b == dtype || out == dtype; }
};

void expect_binaries(const BroadcastShapes& shapes, const BinaryTypes& types) {
  for (Binary op : kBinaries)
    EXPECT_TRUE(agree<PlainElementwise>(
        {{random_tensor(shapes.a, types.a, 0.5, 3), random_tensor(shapes.b, types.b, 0.5, 3)},
         {unwritten(shapes.out, types.out)}},
        [op](auto& on, const Inputs& in, const Outputs& out) {
          on.binary(op, in[0], in[1], out[0]);
        },
        tolerances_of(op)))
        << shapes.a << " " << name_of(op) << " " << shapes.b << " in " << to_string(types.out);
}

TEST(Binary, BroadcastsLikeTheIndexRule) {
  const std::vector<BinaryTypes> all = {
      {DType::f32, DType::f32, DType::f32},   {DType::bf16, DType::bf16, DType::bf16},
      {DType::f32, DType::bf16, DType::bf16}, {DType::bf16, DType::f32, DType::f32},
      {DType::f16, DType::f16, DType::f16},   {DType::f32, DType::f16, DType::f16},
      {DType::f16, DType::f32, DType::f32},   {DType::bf16, DType::f16, DType::f32}};
  for (const BinaryTypes& types : all) {
    if (types.has(DType::f16) && !tests_cuda()) continue;  // the CPU does not compute in f16
    for (const BroadcastShapes& shapes : broadcasts()) expect_binaries(shapes, types);
  }
  for (const BroadcastShapes& shapes : large_broadcasts()) expect_binaries(shapes, all[0]);
}

TEST(Binary, InPlace) {
  for (DType dtype : floats())
    for (const Shape& shape : {Shape{101, 10}, Shape{101, 16}, Shape{301, 10}})
      for (const Shape& other : {Shape{shape[1]}, shape})
        for (bool left : {true, false})
          EXPECT_TRUE(agree<PlainElementwise>(
              {{random_tensor(other, dtype)}, {random_tensor(shape, dtype)}},
              [left](auto& on, const Inputs& in, const Outputs& out) {
                const ConstView operands[] = {out[0], in[0]};
                on.binary(Binary::sub, operands[left ? 0 : 1], operands[left ? 1 : 0], out[0]);
              }));
}

// Packs cannot be read or written, or only some of them.
TEST(Binary, Unaligned) {
  for (DType dtype : floats())
    for (int64_t first_a : {0, 2})
      for (int64_t first_out : {0, 3})
        for (const Shape& shape : {Shape{32}, Shape{24, 32}})
          EXPECT_TRUE(agree<PlainElementwise>(
              {{random_tensor({1000}, dtype), random_tensor({1000}, dtype)},
               {random_tensor({1000}, dtype)}},
              [&](auto& on, const Inputs& in, const Outputs& out) {
                on.binary(Binary::mul, part(in[0], first_a, shape),
                          part(in[1], first_out, {24, 32}), part(out[0], first_out, {24, 32}));
              }));
}

TEST(Binary, LargestAndSmallestKeepNaN) {
  const Tensor a = from_vector<float>(host(), {4}, {kNaN, 1, kNaN, 2});
  const Tensor b = from_vector<float>(host(), {4}, {1, kNaN, kNaN, 3});
  for (Binary op : {Binary::maximum, Binary::minimum})
    EXPECT_TRUE(agree<PlainElementwise>({{a, b}, {unwritten({4}), unwritten({4}), unwritten({4})}},
                                        [op](auto& on, const Inputs& in, const Outputs& out) {
                                          on.binary(op, in[0], in[1], out[0]);
                                          on.binary_scalar(op, in[0], 1.5, out[1]);
                                          on.scalar_binary(op, 1.5, in[0], out[2]);
                                        }));
}

void expect_scalars(int64_t size, DType dtype) {
  for (Binary op : kBinaries)
    for (double scalar : {2.0, 3.0, 0.5, 1.7})
      EXPECT_TRUE(agree<PlainElementwise>(
          {{random_tensor({size}, dtype, 0.5, 3)},
           {unwritten({size}, dtype), unwritten({size}, dtype)}},
          [&](auto& on, const Inputs& in, const Outputs& out) {
            on.binary_scalar(op, in[0], scalar, out[0]);
            on.scalar_binary(op, scalar, in[0], out[1]);
          },
          tolerances_of(op)))
          << name_of(op) << " " << scalar << " " << size << " " << to_string(dtype);
}

TEST(Binary, ScalarsOnEitherSide) {
  for (DType dtype : floats())
    for (int64_t size : {0, 1, 3, 17, 64, 1000, 1003}) expect_scalars(size, dtype);
  expect_scalars(1000003, DType::f32);
}

TEST(Compare, BroadcastsAndKnowsNaN) {
  for (const auto& list : {broadcasts(), large_broadcasts()})
    for (const BroadcastShapes& shapes : list)
      for (Compare op : {Compare::equal, Compare::not_equal, Compare::less, Compare::less_equal,
                         Compare::greater, Compare::greater_equal}) {
        Tensor a = random_indices(shapes.a, 0, 4).cast(DType::f32);
        const Tensor b = random_indices(shapes.b, 0, 4).cast(DType::f32);
        if (a.elements() > 1) a.data<float>()[1] = kNaN;
        EXPECT_TRUE(agree<PlainElementwise>({{a, b}, {unwritten(shapes.out, DType::u8)}},
                                            [op](auto& on, const Inputs& in, const Outputs& out) {
                                              on.compare(op, in[0], in[1], out[0]);
                                            }))
            << shapes.a << " " << shapes.b << " " << static_cast<int>(op);
      }
}

TEST(Axpby, ScalesAndAdds) {
  for (DType of_x : floats())
    for (DType of_y : floats())
      for (int64_t size : {0, 1, 3, 17, 64, 1000, 1003, 1000003}) {
        if (of_x != of_y && is_half(of_x) && is_half(of_y)) continue;  // rejected
        if (size > 2000 && (is_half(of_x) || is_half(of_y))) continue;
        EXPECT_TRUE(agree<PlainElementwise>(
            {{random_tensor({size}, of_x)},
             {random_tensor({size}, of_y), unwritten({size}, of_y), unwritten({size}, of_y)}},
            [](auto& on, const Inputs& in, const Outputs& out) {
              on.axpby(0.5, in[0], -2, out[0]);
              on.axpby(0.7, in[0], 0, out[1]);  // must not read NaN
              on.axpby(0.5, in[0], 0, out[2]);
            },
            tolerances::kFewRoundings))
            << size << " " << to_string(of_x) << " " << to_string(of_y);
      }
}

TEST(Axpby, InPlace) {
  EXPECT_TRUE(agree<PlainElementwise>(
      {{}, {random_tensor({1003})}},
      [](auto& on, const Inputs&, const Outputs& out) { on.axpby(0.5, out[0], -2, out[0]); },
      tolerances::kFewRoundings));
}

}  // namespace
}  // namespace d2l::test
