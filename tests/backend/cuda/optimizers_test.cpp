#include <limits>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

// The device may fuse products and sums; sums of nearly opposite signs lose digits.
constexpr Tolerance kClose{.relative = 2e-6, .absolute = 1e-6};

View at(const View& view, int64_t first, int64_t count) {
  return {view.as<float>() + first, view.dtype, {count}};
}

// Where packs of 16 bytes may begin (0), or not.
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
          {{.begin = 0, .end = 5003, .lr = 0.3}},
          {{.begin = 16, .end = 2048, .lr = 0.5}, {.begin = 2048, .end = 4000, .weight_decay = 0}},
          {{.begin = 1, .end = 17, .lr = 0.5},
           {.begin = 17, .end = 18, .weight_decay = 0},
           {.begin = 18, .end = 18},
           {.begin = 19, .end = 21, .lr = 2},
           {.begin = 3001, .end = 4999, .weight_decay = 3}},
          many_ranges(40, 96),
          many_ranges(520, 3)};
}

TEST(CudaOptimizers, Sgd) {
  for (const SgdParams& kind :
       {SgdParams{.lr = 0.1, .weight_decay = 0.2},
        SgdParams{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2},
        SgdParams{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2, .nesterov = true},
        SgdParams{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2, .lr_in_velocity = true},
        SgdParams{.lr = 0.1, .momentum = 0.9, .nesterov = true, .lr_in_velocity = true}})
    for (const auto& ranges : range_lists())
      for (int64_t first : kFirsts)
        EXPECT_TRUE(like_cpu(
            {{random_tensor({5003})}, {random_tensor({5004}), random_tensor({5003})}},
            [&](Backend& on, const auto& in, const auto& out) {
              SgdParams params = kind;
              params.ranges = ranges;
              on.sgd_step(params, in[0], at(out[0], first, 5003),
                          params.momentum == 0 ? View{} : out[1]);
            },
            kClose))
            << ranges.size() << " ranges, momentum " << kind.momentum;
}

TEST(CudaOptimizers, Adam) {
  for (const AdamParams& kind :
       {AdamParams{.lr = 0.01}, AdamParams{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.9, .step = 5},
        AdamParams{.lr = 0.01, .epsilon = 0.1, .weight_decay = 0.3},
        AdamParams{.lr = 0.01, .weight_decay = 0.3, .decoupled = true, .step = 1000}})
    for (const auto& ranges : range_lists())
      for (int64_t first : kFirsts)
        EXPECT_TRUE(like_cpu(
            {{random_tensor({5003})},
             {random_tensor({5003}), random_tensor({5004}),
              random_tensor({5003}, DType::f32, 0, 1)}},
            [&](Backend& on, const auto& in, const auto& out) {
              AdamParams params = kind;
              params.ranges = ranges;
              on.adam_step(params, in[0], out[0], at(out[1], first, 5003), out[2]);
            },
            kClose))
            << ranges.size() << " ranges, step " << kind.step;
}

TEST(CudaOptimizers, LambDirection) {
  for (const auto& ranges : range_lists())
    for (int64_t first : kFirsts)
      EXPECT_TRUE(like_cpu({{random_tensor({5003})},
                            {random_tensor({5004}), random_tensor({5003}),
                             random_tensor({5003}, DType::f32, 0.01, 1)}},
                           [&](Backend& on, const auto& in, const auto& out) {
                             on.lamb_direction({.weight_decay = 0.3, .step = 7, .ranges = ranges},
                                               at(out[0], first, 5003), in[0], out[1], out[2]);
                           },
                           {.relative = 4e-6, .absolute = 4e-6}))
          << ranges.size() << " ranges";
}

TEST(CudaOptimizers, SmallAndEmptyArrays) {
  for (int64_t size : {0, 1, 3, 4, 9})
    EXPECT_TRUE(like_cpu(
        {{random_tensor({size})},
         {random_tensor({size}), random_tensor({size}), random_tensor({size}, DType::f32, 0, 1)}},
        [](Backend& on, const auto& in, const auto& out) {
          on.adam_step({}, in[0], out[0], out[1], out[2]);
          on.sgd_step({.momentum = 0.5}, in[0], out[0], out[1]);
          on.sgd_step({}, in[0], out[0], {});
        },
        kClose));
}

testing::AssertionResult norms_agree(const Tensor& x, const std::vector<StepRange>& ranges) {
  return like_cpu(
      {{x}, {unwritten({static_cast<int64_t>(ranges.size())})}},
      [&](Backend& on, const auto& in, const auto& out) { on.norms(ranges, in[0], out[0]); },
      {.relative = 5e-7});
}

TEST(CudaNorms, OfEveryRange) {
  for (const auto& ranges : range_lists())
    EXPECT_TRUE(norms_agree(random_tensor({5003}), ranges)) << ranges.size() << " ranges";
  EXPECT_TRUE(norms_agree(random_tensor({40000}), {{.begin = 0, .end = 40000}}));
  EXPECT_TRUE(norms_agree(random_tensor({40000}), {{.begin = 5, .end = 20000},
                                                   {.begin = 20000, .end = 20000},
                                                   {.begin = 20001, .end = 39999}}));
}

TEST(CudaNorms, OfTinyAndHugeNumbers) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  Tensor x = from_vector<float>(
      host(), {20}, {3e30f, 4e30f,  0,     0, 3e-30f,    4e-30f, 0,    0, 3e-43f,     0,
                     1,     3e-30f, 2e20f, 1, kInfinity, 0,      kNaN, 0, -kInfinity, 3});
  std::vector<StepRange> ranges;
  for (int64_t begin = 0; begin < 20; begin += 4) ranges.push_back({begin, begin + 4});
  EXPECT_TRUE(norms_agree(x, ranges));
  EXPECT_TRUE(norms_agree(x, {{0, 0}, {0, 3}, {6, 7}, {8, 9}}));
  EXPECT_TRUE(norms_agree(zeros(host(), {1000}), {{0, 1000}}));
}

TEST(CudaNorms, OfUnalignedArrays) {
  EXPECT_TRUE(like_cpu({{random_tensor({1001})}, {unwritten({2})}},
                       [&](Backend& on, const auto& in, const auto& out) {
                         const std::vector<StepRange> ranges = {{0, 500}, {501, 1000}};
                         const float* x = in[0].template as<float>() + 1;
                         on.norms(ranges, {x, DType::f32, {1000}}, out[0]);
                       },
                       {.relative = 5e-7}));
}

}  // namespace
}  // namespace d2l::test
