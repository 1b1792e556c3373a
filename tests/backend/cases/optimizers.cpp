#include <cmath>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

// As defined in PyTorch's torch.optim.
class PlainOptimizers {
 public:
  void sgd_step(const SgdParams& p, const ConstView& gradient, const View& value,
                const View& velocity) const {
    const Doubles slopes = doubles(gradient);
    Doubles w = doubles(value), v = doubles(velocity);
    for_ranges(p.ranges, w.size(), [&](size_t i, const StepRange& range) {
      const double lr = p.lr * range.lr;
      double g = slopes[i] + p.weight_decay * range.weight_decay * w[i];
      if (p.momentum != 0) {
        v[i] = p.momentum * v[i] + (p.lr_in_velocity ? lr * g : g);
        if (p.lr_in_velocity)
          g = p.nesterov ? lr * g + p.momentum * v[i] : v[i];
        else
          g = p.nesterov ? g + p.momentum * v[i] : v[i];
      }
      w[i] -= p.momentum != 0 && p.lr_in_velocity ? g : lr * g;
    });
    store(value, w);
    if (p.momentum != 0) store(velocity, v);
  }

  void adam_step(const AdamParams& p, const ConstView& gradient, const View& value,
                 const View& mean, const View& square) const {
    const Doubles slopes = doubles(gradient);
    Doubles w = doubles(value), m = doubles(mean), s = doubles(square);
    for_ranges(p.ranges, w.size(), [&](size_t i, const StepRange& range) {
      const double lr = p.lr * range.lr, decay = p.weight_decay * range.weight_decay;
      double g = slopes[i];
      if (p.decoupled)
        w[i] *= 1 - lr * decay;
      else
        g += decay * w[i];
      w[i] -= lr * direction(p, g, m[i], s[i]);
    });
    store(value, w);
    store(mean, m);
    store(square, s);
  }

  void lamb_direction(const AdamParams& p, const View& gradient, const ConstView& value,
                      const View& mean, const View& square) const {
    const Doubles w = doubles(value);
    Doubles g = doubles(gradient), m = doubles(mean), s = doubles(square);
    for_ranges(p.ranges, w.size(), [&](size_t i, const StepRange& range) {
      g[i] = direction(p, g[i], m[i], s[i]) + p.weight_decay * range.weight_decay * w[i];
    });
    store(gradient, g);
    store(mean, m);
    store(square, s);
  }

  void norms(StepRanges ranges, const ConstView& x, const View& norms) const {
    const Doubles from = doubles(x);
    Doubles to;
    for (const StepRange& range : ranges) {
      double sum = 0;
      for (int64_t i = range.begin; i < range.end; ++i) sum += from[i] * from[i];
      to.push_back(std::sqrt(sum));
    }
    store(norms, to);
  }

 private:
  template <class Body>
  static void for_ranges(StepRanges ranges, size_t count, const Body& body) {
    const StepRange all{0, static_cast<int64_t>(count)};
    for (const StepRange& range : ranges.empty() ? StepRanges(&all, 1) : ranges)
      for (int64_t i = range.begin; i < range.end; ++i) body(static_cast<size_t>(i), range);
  }

  // Updates mean and square.
  static double direction(const AdamParams& p, double g, double& mean, double& square) {
    const auto step = static_cast<double>(p.step);
    mean = p.beta1 * mean + (1 - p.beta1) * g;
    square = p.beta2 * square + (1 - p.beta2) * g * g;
    return mean / (1 - std::pow(p.beta1, step)) /
           (std::sqrt(square / (1 - std::pow(p.beta2, step))) + p.epsilon);
  }
};

struct ComposedOptimizers {
  Backend& on;

  void lamb_direction(const AdamParams& params, const View& gradient, const ConstView& value,
                      const View& mean, const View& square) {
    on.Backend::do_lamb_direction(params, gradient, value, mean, square);
  }
  void norms(StepRanges ranges, const ConstView& x, const View& norms) {
    on.Backend::do_norms(ranges, x, norms);
  }
};

constexpr int64_t kElements = 5003;

// With (0) and without alignment to packs of 16 bytes.
constexpr int64_t kFirsts[] = {0, 1};

// `count` ranges of `length` elements with gaps between some of them.
std::vector<StepRange> many_ranges(int64_t count, int64_t length) {
  std::vector<StepRange> ranges;
  int64_t begin = 3;
  for (int64_t i = 0; i < count; ++i) {
    ranges.push_back({.begin = begin,
                      .end = begin + length,
                      .lr = 0.5 + static_cast<double>(i % 7),
                      .weight_decay = static_cast<double>(i % 3)});
    begin += length + (i % 4 == 0 ? 5 : 0);
  }
  return ranges;
}

std::vector<std::vector<StepRange>> range_lists() {
  return {{},
          {{.begin = 0, .end = kElements, .lr = 0.3}},
          {{.begin = 16, .end = 2048, .lr = 0.5}, {.begin = 2048, .end = 4000, .weight_decay = 0}},
          {{.begin = 1, .end = 17, .lr = 0.5},
           {.begin = 17, .end = 18, .weight_decay = 0},
           {.begin = 18, .end = 18},
           {.begin = 19, .end = 21, .lr = 2},
           {.begin = 3001, .end = 4999, .weight_decay = 3}},
          many_ranges(40, 96),
          many_ranges(520, 3)};
}

// Some ranges longer than a CPU thread takes at a time, with gaps before, between and after.
constexpr int64_t kManyElements = 100003;
const std::vector<StepRange> kLongRanges = {{.begin = 1, .end = 17, .lr = 0.5},
                                            {.begin = 17, .end = 40000, .weight_decay = 0},
                                            {.begin = 50000, .end = 50001, .lr = 2},
                                            {.begin = 50001, .end = 90000, .weight_decay = 3}};

const SgdParams kSgd[] = {
    {.lr = 0.1},
    {.lr = 0.1, .weight_decay = 0.2},
    {.lr = 0.1, .momentum = 0.9},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2, .nesterov = true},
    {.lr = 0.1, .weight_decay = 0.5, .nesterov = true, .lr_in_velocity = true},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2, .lr_in_velocity = true},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5, .lr_in_velocity = true},
    {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5, .nesterov = true, .lr_in_velocity = true},
    {.lr = 0.1, .momentum = 0.9, .nesterov = true, .lr_in_velocity = true}};

const AdamParams kAdam[] = {{.lr = 0.01},
                            {.lr = 0.01, .beta1 = 0.8, .beta2 = 0.9, .step = 5},
                            {.lr = 0.01, .beta1 = 0.8, .beta2 = 0.9},
                            {.lr = 0.01, .epsilon = 0.1, .weight_decay = 0.3},
                            {.lr = 0.1, .weight_decay = 0.2},
                            {.lr = 0.1, .weight_decay = 0.2, .decoupled = true},
                            {.lr = 0.01, .weight_decay = 0.3, .decoupled = true},
                            {.lr = 0.01, .weight_decay = 0.3, .decoupled = true, .step = 1000}};

struct Steps {
  int64_t elements = kElements;
  std::vector<StepRange> ranges = {};
  int64_t first = 0;  // first element of the values in memory
  int count = 1;
};

testing::AssertionResult steps_agree(const SgdParams& kind, const Steps& steps) {
  const Shape shape{steps.elements}, larger{steps.elements + steps.first};
  return agree<PlainOptimizers>(
             {{random_tensor(shape, DType::f32, -1, 1)},
              {random_tensor(larger), kind.momentum == 0 || steps.count == 1
                                          ? random_tensor(shape)
                                          : zeros(host(), shape)}},
             [&](auto& on, const Inputs& in, const Outputs& out) {
               SgdParams params = kind;
               params.ranges = steps.ranges;
               for (int i = 0; i < steps.count; ++i)
                 on.sgd_step(params, in[0], part(out[0], steps.first, shape),
                             params.momentum == 0 && steps.count == 1 ? View{} : out[1]);
             },
             tolerances::kStep)
         << "; " << steps.elements << " elements, " << steps.ranges.size() << " ranges, momentum "
         << kind.momentum;
}

testing::AssertionResult steps_agree(const AdamParams& kind, const Steps& steps) {
  const Shape shape{steps.elements}, larger{steps.elements + steps.first};
  return agree<PlainOptimizers>(
             {{random_tensor(shape, DType::f32, -1, 1)},
              {random_tensor(shape), random_tensor(larger),
               random_tensor(shape, DType::f32, 0, 1)}},
             [&](auto& on, const Inputs& in, const Outputs& out) {
               AdamParams params = kind;
               params.ranges = steps.ranges;
               for (int i = 0; i < steps.count; ++i, ++params.step)
                 on.adam_step(params, in[0], out[0], part(out[1], steps.first, shape), out[2]);
             },
             tolerances::kStep)
         << "; " << steps.elements << " elements, " << steps.ranges.size() << " ranges, step "
         << kind.step;
}

template <class Params>
void expect_all_ranges(const Params& kind) {
  for (int64_t first : kFirsts)
    for (const auto& ranges : range_lists())
      EXPECT_TRUE(steps_agree(kind, {.ranges = ranges, .first = first}));
  EXPECT_TRUE(steps_agree(kind, {.elements = kManyElements, .ranges = kLongRanges}));
}

template <class Params>
void expect_three_steps(const Params& kind) {
  for (int64_t size : {int64_t{1}, int64_t{3}, int64_t{17}, kManyElements})
    EXPECT_TRUE(steps_agree(kind, {.elements = size, .count = 3}));
}

TEST(Sgd, RangesHaveTheirOwnFactors) {
  for (const SgdParams& kind : kSgd) expect_all_ranges(kind);
}

TEST(Sgd, ThreeStepsOfEveryKind) {
  for (const SgdParams& kind : kSgd) expect_three_steps(kind);
}

TEST(Adam, RangesHaveTheirOwnFactors) {
  for (const AdamParams& kind : kAdam) expect_all_ranges(kind);
}

TEST(Adam, ThreeStepsOfEveryKind) {
  for (const AdamParams& kind : kAdam) expect_three_steps(kind);
}

// A published property: the first step has length lr for any scale of the gradient.
TEST(Adam, FirstStepIsAsLongAsTheLearningRate) {
  const Tensor zero = zeros(host(), {3});
  const std::vector<float> value =
      outputs_of({{from_vector<float>(host(), {3}, {1e-3f, -5, 300})}, {zero, zero, zero}},
                 [](Backend& on, const Inputs& in, const Outputs& out) {
                   on.adam_step({.lr = 0.25}, in[0], out[0], out[1], out[2]);
                 })[0]
          .to_vector<float>();
  for (size_t i : {0, 1, 2}) EXPECT_NEAR(value[i], i == 1 ? 0.25f : -0.25f, 5e-6) << i;
}

TEST(Optimizers, SmallAndEmptyArrays) {
  for (int64_t size : {0, 1, 3, 4, 9}) {
    EXPECT_TRUE(steps_agree(AdamParams{}, {.elements = size}));
    EXPECT_TRUE(steps_agree(SgdParams{.momentum = 0.5}, {.elements = size}));
    EXPECT_TRUE(steps_agree(SgdParams{}, {.elements = size}));
  }
}

// Checks the kernel and its default implementation.
void expect_lamb(const Steps& steps, const AdamParams& kind) {
  const Shape shape{steps.elements}, larger{steps.elements + steps.first};
  const Arguments arguments{
      {random_tensor(shape)},
      {random_tensor(larger), random_tensor(shape), random_tensor(shape, DType::f32, 0.01, 1)}};
  const auto call = [&](auto& on, const Inputs& in, const Outputs& out) {
    AdamParams params = kind;
    params.ranges = steps.ranges;
    for (int i = 0; i < steps.count; ++i, ++params.step)
      on.lamb_direction(params, part(out[0], steps.first, shape), in[0], out[1], out[2]);
  };
  EXPECT_TRUE(agree<PlainOptimizers>(arguments, call, tolerances::kLamb))
      << steps.elements << " elements, " << steps.ranges.size() << " ranges";
  EXPECT_TRUE(
      (composition_agrees<PlainOptimizers, ComposedOptimizers>(arguments, call, tolerances::kLamb)))
      << steps.elements << " elements, " << steps.ranges.size() << " ranges, composed";
}

TEST(Lamb, DirectionAndItsComposition) {
  for (const auto& ranges : range_lists())
    for (int64_t first : kFirsts)
      expect_lamb({.ranges = ranges, .first = first}, {.weight_decay = 0.3, .step = 7});
  expect_lamb({.elements = kManyElements, .ranges = kLongRanges}, {.weight_decay = 0.3, .step = 7});
  for (int64_t size : {int64_t{1}, int64_t{3}, int64_t{17}, kManyElements})
    expect_lamb({.elements = size, .count = 3}, {.epsilon = 1e-6, .weight_decay = 0.3});
}

struct Norms {
  Tensor x;
  std::vector<StepRange> ranges;
  int64_t first = 0;
};

template <class Agree>
testing::AssertionResult norms_agree(const Norms& c, const Agree& agree_on) {
  return agree_on({{c.x}, {unwritten({static_cast<int64_t>(c.ranges.size())})}},
                  [&](auto& on, const Inputs& in, const Outputs& out) {
                    on.norms(c.ranges, part(in[0], c.first, {c.x.elements() - c.first}), out[0]);
                  });
}

void expect_norms(const Norms& c) {
  EXPECT_TRUE(norms_agree(c,
                          [](const Arguments& arguments, const auto& call) {
                            return agree<PlainOptimizers>(arguments, call, tolerances::kNorms);
                          }))
      << c.ranges.size() << " ranges";
}

void expect_composed_norms(const Norms& c) {
  EXPECT_TRUE(norms_agree(c,
                          [](const Arguments& arguments, const auto& call) {
                            return composition_agrees<PlainOptimizers, ComposedOptimizers>(
                                arguments, call, tolerances::kComposedNorms);
                          }))
      << c.ranges.size() << " ranges, composed";
}

TEST(Norms, OfEveryRange) {
  std::vector<Norms> all = {{random_tensor({40000}), {{.begin = 0, .end = 40000}}},
                            {random_tensor({40000}),
                             {{.begin = 5, .end = 20000},
                              {.begin = 20000, .end = 20000},
                              {.begin = 20001, .end = 39999}}},
                            {random_tensor({kManyElements}), kLongRanges},
                            {random_tensor({1001}), {{0, 500}, {501, 1000}}, 1}};
  for (const auto& ranges : range_lists()) all.push_back({random_tensor({kElements}), ranges});
  for (const Norms& c : all) {
    expect_norms(c);
    if (c.ranges.size() < 10) expect_composed_norms(c);
  }
}

TEST(Norms, OfTinyAndHugeNumbers) {
  const Tensor x = from_vector<float>(
      host(), {20}, {3e30f, 4e30f,  0,     0, 3e-30f,    4e-30f, 0,    0, 3e-43f,     0,
                     1,     3e-30f, 2e20f, 1, kInfinity, 0,      kNaN, 0, -kInfinity, 3});
  std::vector<StepRange> ranges;
  for (int64_t begin = 0; begin < 20; begin += 4) ranges.push_back({begin, begin + 4});
  expect_norms({x, ranges});
  expect_norms({x, {{0, 0}, {0, 3}, {6, 7}, {8, 9}}});
  expect_norms({from_vector<float>(host(), {3}, {3, kNaN, 0}), {{0, 0}, {0, 3}}});
  expect_norms({zeros(host(), {1000}), {{0, 1000}}});
}

}  // namespace
}  // namespace d2l::test
