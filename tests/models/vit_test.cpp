#include <gmock/gmock.h>

#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/softmax.h"
#include "framework/nn/parameter_set.h"
#include "framework/optim/optimizer.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "models/zoo.h"
#include "tests/support/support.h"

namespace d2l::models {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

int64_t parameters_of(const ModelOptions& options) {
  auto model = build_model("vit-tiny", options);
  return nn::ParameterSet(*model, device(), 1).count();
}

TEST(VitTiny, ParameterCounts) {
  // norms, qkv, output, feed-forward
  const int64_t block = 4 * 64 + 3 * 64 * 65 + 64 * 65 + 128 * 65 + 64 * 129;
  const int64_t rest = 6 * block + 2 * 64;
  EXPECT_EQ(parameters_of({}), 64 * 17 + 49 * 64 + rest + 65 * 10);
  EXPECT_EQ(parameters_of({.input = {32, 32, 3}, .classes = 7}), 64 * 49 + 64 * 64 + rest + 65 * 7);
}

TEST(VitTiny, NamesOfParameters) {
  auto model = build_model("vit-tiny", {});
  nn::ParameterSet set(*model, device(), 1);
  std::vector<std::string> names;
  for (const auto& slot : set.slots()) names.push_back(slot.name);
  for (const char* name : {"patches.weight", "positions.weight", "blocks.0.attention.qkv.weight",
                           "blocks.5.mlp.output.bias", "norm.weight", "head.weight"})
    EXPECT_THAT(names, Contains(name));
}

TEST(VitTiny, WantsWholePatches) {
  for (const Shape& input : {Shape{30, 28, 1}, Shape{28, 2, 1}})
    EXPECT_THAT(message_of([&] { build_model("vit-tiny", {.input = input}); }),
                AllOf(HasSubstr("4 x 4"), HasSubstr(input.to_string())));
}

// Patches are processed as units: with equal positions, swapping two patches changes nothing.
TEST(VitTiny, OnlyPositionsTellPatchesApart) {
  auto model = build_model("vit-tiny", {.input = {8, 8, 1}});
  nn::ParameterSet set(*model, device(), 1);
  const Tensor image = uniform(device(), {1, 8, 8, 1}, {.seed = 2});
  std::vector<float> pixels = image.to_vector<float>();
  for (int64_t row = 0; row < 4; ++row)
    for (int64_t column = 0; column < 4; ++column)
      std::swap(pixels[row * 8 + column], pixels[(row + 4) * 8 + column + 4]);
  const Tensor exchanged = from_vector(device(), image.shape(), pixels);
  const auto logits = [&](const Tensor& x) { return model->forward(Variable(x), {}).value(); };
  EXPECT_FALSE(close(logits(exchanged), logits(image), 1e-3, 1e-3));
  for (const auto& slot : set.slots())
    if (slot.name == "positions.weight") device().fill(slot.parameter->variable.value().view(), 0);
  EXPECT_TRUE(close(logits(exchanged), logits(image), 1e-4, 1e-4));
}

// Dark noise with one bright patch; its position is the class.
struct Batch {
  Variable images;
  Tensor labels;
};

Batch bright_patches(int64_t count) {
  const Shape shape{count, 28, 28, 1};
  std::vector<float> images = uniform(device(), shape, {.seed = 2}, 0, 0.2).to_vector<float>();
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    labels.push_back(i % 10);
    const int64_t patch = 4 * labels.back() + 3;
    for (int64_t row = 0; row < 4; ++row)
      for (int64_t column = 0; column < 4; ++column)
        images[(i * 28 + patch / 7 * 4 + row) * 28 + patch % 7 * 4 + column] += 0.8f;
  }
  return {Variable(from_vector(device(), shape, images)), from_vector(device(), {count}, labels)};
}

Variable loss_of(nn::Module& model, const Batch& batch) {
  return mean(cross_entropy(model.forward(batch.images, {.training = true}), batch.labels).losses);
}

TEST(VitTiny, FirstStepsOfGradientDescent) {
  auto model = build_model("vit-tiny", {});
  nn::ParameterSet set(*model, device(), 1);
  const Batch batch = bright_patches(20);
  std::vector<float> losses;
  for (int step = 0; step < 4; ++step) {
    Variable loss = loss_of(*model, batch);
    losses.push_back(loss.value().item<float>());
    set.zero_grad();
    loss.backward();
    axpby(-0.02, set.gradients(), 1, set.values());
  }
  const float expected[] = {2.67363f, 2.77785f, 2.37361f, 2.31643f};
  for (size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], expected[i], 2e-3f) << i;
}

TEST(VitTiny, LearnsToFindAPatch) {
  auto model = build_model("vit-tiny", {});
  nn::ParameterSet set(*model, device(), 1);
  auto optimizer = make_adam(set, {});
  const Batch batch = bright_patches(20);
  float last = 0;
  for (int step = 0; step < 60; ++step) {
    Variable loss = loss_of(*model, batch);
    last = loss.value().item<float>();
    set.zero_grad();
    loss.backward();
    optimizer->step(1e-3);
  }
  EXPECT_LT(last, 0.2);
}

TEST(VitTiny, EmptyPartOfABatch) {
  auto model = build_model("vit-tiny", {});
  nn::ParameterSet set(*model, device(), 1);
  Variable y = model->forward(Variable(Tensor(device(), {0, 28, 28, 1})), {.training = true});
  EXPECT_EQ(y.shape(), (Shape{0, 10}));
  sum(y).backward();
  for (const auto& slot : set.slots()) {
    ASSERT_TRUE(slot.parameter->variable.has_grad()) << slot.name;
    EXPECT_TRUE(close(slot.parameter->variable.grad(), zeros(device(), slot.shape), 0, 0))
        << slot.name;
  }
}

}  // namespace
}  // namespace d2l::models
