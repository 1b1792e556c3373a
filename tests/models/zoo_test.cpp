#include "models/zoo.h"

#include <gmock/gmock.h>

#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/softmax.h"
#include "framework/nn/parameter_set.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "models/recipes.h"
#include "tests/support/support.h"

namespace d2l::models {
namespace {

using test::cpu;
using test::message_of;
using testing::AllOf;
using testing::HasSubstr;

int64_t parameters_of(const std::string& name, const ModelOptions& options = {}) {
  auto model = build_model(name, options);
  return nn::ParameterSet(*model, cpu(), 1).count();
}

TEST(Zoo, ParameterCounts) {
  EXPECT_EQ(parameters_of("softmax-regression"), 7850);
  EXPECT_EQ(parameters_of("mlp"), 203530);
  EXPECT_EQ(parameters_of("dropout-mlp"), 200960 + 65792 + 2570);
  EXPECT_EQ(parameters_of("lenet"), 61706);
  EXPECT_EQ(parameters_of("bn-lenet"), 44878);
  // 3 channels: conv1 has 2 * 25 * 6 more; 32 x 32: the last image is 6 x 6 instead of 5 x 5.
  EXPECT_EQ(parameters_of("lenet", {.input = {32, 32, 3}}), 61706 + 300 + 11 * 16 * 120);
  EXPECT_EQ(parameters_of("mlp", {.classes = 7}), 203530 - 3 * 257);
}

TEST(Zoo, OutputShapes) {
  const ModelOptions choices[] = {{}, {.input = {32, 20, 3}, .classes = 7}};
  for (const std::string& name : model_names())
    for (const ModelOptions& options : choices)
      for (bool training : {false, true}) {
        auto model = build_model(name, options);
        nn::ParameterSet set(*model, cpu(), 1);
        const Shape& in = options.input;
        Variable x(uniform(cpu(), {3, in[0], in[1], in[2]}, {.seed = 2}));
        NoGrad scope;
        Variable y = model->forward(x, {.training = training});
        EXPECT_EQ(y.shape(), (Shape{3, options.classes})) << name;
        for (float value : y.value().to_vector<float>()) ASSERT_TRUE(std::isfinite(value)) << name;
      }
}

TEST(Zoo, EveryParameterIsReachedByBackward) {
  for (const std::string& name : model_names()) {
    auto model = build_model(name, {});
    nn::ParameterSet set(*model, cpu(), 1);
    Variable x(uniform(cpu(), {4, 28, 28, 1}, {.seed = 2}));
    Tensor labels = arange(cpu(), 4, DType::i64);
    sum(cross_entropy(model->forward(x, {.training = true}), labels).losses).backward();
    for (const auto& slot : set.slots())
      EXPECT_TRUE(slot.parameter->variable.has_grad()) << name << " " << slot.name;
  }
}

TEST(Zoo, UnknownNamesAreAnsweredWithTheNearest) {
  EXPECT_THAT(message_of([] { build_model("lennet", {}); }),
              AllOf(HasSubstr("lennet"), HasSubstr("'lenet'")));
  EXPECT_THROW(build_model("lennet", {}), UsageError);
  EXPECT_THAT(message_of([] { build_model("mlp", {.init = "xavjer"}); }), HasSubstr("xavier"));
  EXPECT_THAT(message_of([] {
                build_model("lenet", {.input = {8, 8, 1}});
              }),
              AllOf(HasSubstr("12 x 12"), HasSubstr("[8, 8, 1]")));
  EXPECT_THAT(message_of([] {
                build_model("bn-lenet", {.input = {12, 12, 1}});
              }),
              HasSubstr("16 x 16"));
  EXPECT_THAT(message_of([] { build_model("mlp", {.input = {28, 28}}); }), HasSubstr("[28, 28]"));
}

TEST(Zoo, SmallestInputsWork) {
  EXPECT_GT(parameters_of("lenet", {.input = {12, 12, 1}}), 0);
  EXPECT_GT(parameters_of("bn-lenet", {.input = {16, 16, 1}}), 0);
}

TEST(Recipes, NameModelsThatExist) {
  for (const Recipe& recipe : recipes()) {
    EXPECT_NO_THROW(build_model(recipe.model, {.init = recipe.init})) << recipe.name;
    EXPECT_GT(recipe.lr, 0);
    EXPECT_EQ(&find_recipe(recipe.name), &recipe);
  }
  EXPECT_THAT(message_of([] { find_recipe("lenett"); }), HasSubstr("lenet"));
}

// 32 images of noise: only by heart can they be told apart.
TEST(Training, MlpLearnsOneBatchByHeart) {
  auto model = build_model("mlp", {});
  nn::ParameterSet set(*model, cpu(), 1);
  Variable x(uniform(cpu(), {32, 28, 28, 1}, {.seed = 2}));
  std::vector<int64_t> labels(32);
  for (size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<int64_t>(random_below({.seed = 8, .stream = 1}, i, 10));
  Tensor targets = from_vector(cpu(), {32}, labels);
  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    Variable loss = mean(cross_entropy(model->forward(x, {.training = true}), targets).losses);
    last = loss.value().item<double>();
    if (step == 0) first = last;
    set.zero_grad();
    loss.backward();
    axpby(-0.1, set.gradients(), 1, set.values());
  }
  EXPECT_NEAR(first, std::log(10.0), 0.3);
  EXPECT_LT(last, 0.05);
}

}  // namespace
}  // namespace d2l::models
