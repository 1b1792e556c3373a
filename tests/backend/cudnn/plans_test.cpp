#include <gtest/gtest.h>

#include "framework/backend/cuda/cudnn_plan.h"
#include "tests/backend/cudnn/device.h"

// cuDNN's plans for an H100, made on any machine; no plan is executed.
namespace d2l::cuda {
namespace {

constexpr int64_t kWorkspace = int64_t{256} << 20;  // bytes
constexpr int64_t kAtHand[] = {0};                  // as the address of a workspace

struct Case {
  int64_t batch, image, in, out, kernel, stride, padding;

  ConvolutionProblem problem(ConvolutionPass pass, DType dtype) const {
    const int64_t size = (image + 2 * padding - kernel) / stride + 1;
    return {.pass = pass,
            .params = {.stride = {stride, stride}, .padding = {padding, padding}},
            .x = {batch, image, image, in},
            .weight = {out, kernel, kernel, in},
            .y = {batch, size, size, out},
            .dtype = dtype};
  }
};

// Layers of LeNet, ResNets, AlexNet, GoogLeNet and ViT, and one that cannot be vectorised.
const std::vector<Case> kCases = {
    {256, 28, 1, 6, 5, 1, 2},    {256, 14, 6, 16, 5, 1, 0},   {256, 96, 1, 64, 7, 2, 3},
    {256, 24, 64, 64, 3, 1, 1},  {256, 24, 64, 128, 3, 2, 1}, {256, 24, 64, 128, 1, 2, 0},
    {256, 224, 3, 64, 7, 2, 3},  {256, 56, 64, 256, 1, 1, 0}, {256, 14, 256, 256, 3, 1, 1},
    {128, 32, 3, 16, 3, 1, 1},   {128, 224, 1, 96, 11, 4, 1}, {128, 26, 96, 256, 5, 1, 2},
    {128, 12, 192, 16, 1, 1, 0}, {128, 28, 1, 64, 4, 4, 0},   {32, 5, 384, 10, 3, 1, 1},
    {3, 5, 3, 5, 3, 1, 1},
};

struct Precision {
  DType dtype;
  bool tensor_cores;
};
constexpr Precision kPrecisions[] = {{DType::f32, false}, {DType::f32, true}, {DType::bf16, true}};

// Counts the plans that need no compiler, up to `most`.
int count_plans(const ConvolutionProblem& problem, const EngineRules& rules, int most) {
  ConvolutionEngines engines(nullptr, problem, rules);
  int found = 0;
  while (found < most && engines.next(kWorkspace, 0) != nullptr) ++found;
  return found;
}

class CudnnPlans : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::plan_for_h100()) GTEST_SKIP() << "cuDNN plans for absent devices from 9.11 on";
  }
};

TEST_F(CudnnPlans, ThereIsOneForEveryPassAndPrecision) {
  for (const Case& c : kCases)
    for (auto pass : {ConvolutionPass::forward, ConvolutionPass::backward_input,
                      ConvolutionPass::backward_weight})
      for (const auto& [dtype, tensor_cores] : kPrecisions)
        for (bool deterministic : {false, true}) {
          const ConvolutionProblem problem = c.problem(pass, dtype);
          EXPECT_EQ(count_plans(problem, {tensor_cores, deterministic}, 1), 1)
              << to_string(problem) << ", tensor cores " << tensor_cores << ", deterministic "
              << deterministic;
        }
}

TEST_F(CudnnPlans, BiasAndReluAreDoneByReadyMadeKernels) {
  for (const Case& c : kCases)
    for (const auto& [dtype, tensor_cores] : kPrecisions)
      for (bool relu : {false, true}) {
        ConvolutionProblem problem = c.problem(ConvolutionPass::forward, dtype);
        problem.bias = true;
        problem.relu = relu;
        EXPECT_EQ(count_plans(problem, {.tensor_cores = tensor_cores}, 1), 1)
            << to_string(problem) << ", tensor cores " << tensor_cores << ", relu " << relu;
      }
}

TEST_F(CudnnPlans, GradientsOfInputsAreAddedByReadyMadeKernels) {
  for (const Case& c : kCases)
    for (const auto& [dtype, tensor_cores] : kPrecisions)
      for (bool deterministic : {false, true}) {
        ConvolutionProblem problem = c.problem(ConvolutionPass::backward_input, dtype);
        problem.accumulate = true;
        EXPECT_EQ(count_plans(problem, {tensor_cores, deterministic}, 1), 1)
            << to_string(problem) << ", tensor cores " << tensor_cores << ", deterministic "
            << deterministic;
      }
}

TEST_F(CudnnPlans, ExactOnesAreFewer) {
  const ConvolutionProblem problem = kCases[3].problem(ConvolutionPass::forward, DType::f32);
  const int exact = count_plans(problem, {.tensor_cores = false}, 100);
  const int all = count_plans(problem, {.tensor_cores = true}, 100);
  EXPECT_GT(exact, 0);
  EXPECT_GT(all, exact);
}

// Tests all of a call except the handle, which needs a GPU.
TEST_F(CudnnPlans, TheirArgumentsAreUnderstood) {
  for (bool bias : {false, true}) {
    ConvolutionProblem problem = kCases[3].problem(ConvolutionPass::forward, DType::bf16);
    problem.bias = bias;
    ConvolutionEngines engines(nullptr, problem, {});
    const auto plan = engines.next(kWorkspace, 0);
    ASSERT_NE(plan, nullptr);
    const ConvolutionTensors tensors{
        .x = kAtHand, .weight = kAtHand, .y = kAtHand, .bias = kAtHand};
    for (void* workspace : {static_cast<void*>(nullptr), const_cast<void*>(tensors.x)}) {
      cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
      EXPECT_NO_THROW(status = plan->execute(nullptr, tensors, workspace));
      EXPECT_EQ(status, CUDNN_STATUS_BAD_PARAM);
    }
  }
}

}  // namespace
}  // namespace d2l::cuda
