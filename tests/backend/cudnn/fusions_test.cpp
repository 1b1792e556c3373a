#include <gtest/gtest.h>

#include "benchmarks/cudnn_fusion_graphs.h"
#include "tests/backend/cudnn/device.h"

// The cuDNN graphs of bench-cudnn-fusions, for an H100 that need not exist.
namespace d2l::cuda {
namespace {

constexpr FusionCase kCases[] = {{128, 56, 256, 64, 1}, {128, 28, 128, 128, 3}};

class CudnnFusions : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::plan_for_h100()) GTEST_SKIP() << "cuDNN plans for absent devices from 9.11 on";
  }
};

TEST_F(CudnnFusions, ThereArePlansForGradientsAddedToOthers) {
  for (const FusionCase& c : kCases)
    for (Fusion fusion : {Fusion::forward, Fusion::input_gradient, Fusion::added_gradient})
      EXPECT_EQ(fusion_plans(fusion_graph(nullptr, fusion, c), 2).size(), 2u)
          << static_cast<int>(fusion);
}

// Only the graphs: compiling their plans needs a driver.
TEST_F(CudnnFusions, ConvolutionsWithSumsAreUnderstood) {
  for (const FusionCase& c : kCases)
    EXPECT_NO_THROW(fusion_graph(nullptr, Fusion::forward_with_sums, c));
}

}  // namespace
}  // namespace d2l::cuda
