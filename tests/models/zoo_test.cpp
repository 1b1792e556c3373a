#include "models/zoo.h"

#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/softmax.h"
#include "framework/tensor/create.h"
#include "models/recipes.h"
#include "tests/models/models_support.h"

namespace d2l::models::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

int64_t parameters_of(const std::string& name, const ModelOptions& options) {
  auto model = build_model(name, options);
  return nn::ParameterSet(*model, device(), std::nullopt).count();
}

int64_t parameters_of(const std::string& name) { return parameters_of(name, usual_options(name)); }

TEST(Zoo, ParametersOfSmallNetworks) {
  EXPECT_EQ(parameters_of("softmax-regression"), 7850);
  EXPECT_EQ(parameters_of("mlp"), 203530);
  EXPECT_EQ(parameters_of("dropout-mlp"), 200960 + 65792 + 2570);
  EXPECT_EQ(parameters_of("lenet"), 61706);
  EXPECT_EQ(parameters_of("bn-lenet"), 44878);
  // 3 channels: conv1 has 2 * 25 * 6 more; 32 x 32: the last image is 6 x 6 instead of 5 x 5.
  EXPECT_EQ(parameters_of("lenet", {.input = {32, 32, 3}}), 61706 + 300 + 11 * 16 * 120);
  EXPECT_EQ(parameters_of("mlp", {.classes = 7}), 203530 - 3 * 257);
}

TEST(Zoo, ParametersOfTheBooksNetworks) {
  EXPECT_EQ(parameters_of("alexnet"), 46764746);
  EXPECT_EQ(parameters_of("vgg11"), 128806154);
  EXPECT_EQ(parameters_of("nin"), 1992166);
  EXPECT_EQ(parameters_of("googlenet"), 5977530);
  EXPECT_EQ(parameters_of("resnet18"), 11178378);
  EXPECT_EQ(parameters_of("densenet"), 758226);
  ModelOptions narrow = usual_options("vgg11");
  narrow.width = 4;
  EXPECT_EQ(parameters_of("vgg11", narrow), 43093322);
  // The published numbers for 3 channels and 1000 classes, converted to 1 and 10.
  constexpr int64_t kLess = 2 * 9 * 64 + 990 * 4097;
  EXPECT_EQ(parameters_of("vgg13"), 133047848 - kLess);
  EXPECT_EQ(parameters_of("vgg16"), 138357544 - kLess);
  EXPECT_EQ(parameters_of("vgg19"), 143667240 - kLess);
  EXPECT_EQ(parameters_of("vgg11-bn"), 132868840 - kLess);
  EXPECT_EQ(parameters_of("vgg13-bn"), 133053736 - kLess);
  EXPECT_EQ(parameters_of("vgg16-bn"), 138365992 - kLess);
  EXPECT_EQ(parameters_of("vgg19-bn"), 143678248 - kLess);
}

// He et al., 2015, table 6; exact numbers from implementations with published weights.
TEST(Zoo, ParametersOfResidualNetworksForSmallImages) {
  EXPECT_EQ(parameters_of("resnet20"), 269722);
  EXPECT_EQ(parameters_of("resnet32"), 464154);
  EXPECT_EQ(parameters_of("resnet44"), 658586);
  EXPECT_EQ(parameters_of("resnet56"), 853018);
  EXPECT_EQ(parameters_of("resnet110"), 1727962);
}

// As documented by torchvision.
TEST(Zoo, ParametersOfStandardNetworks) {
  EXPECT_EQ(parameters_of("tv-alexnet"), 61100840);
  EXPECT_EQ(parameters_of("tv-vgg11"), 132863336);
  EXPECT_EQ(parameters_of("tv-vgg11-bn"), 132868840);
  EXPECT_EQ(parameters_of("tv-vgg13"), 133047848);
  EXPECT_EQ(parameters_of("tv-vgg13-bn"), 133053736);
  EXPECT_EQ(parameters_of("tv-vgg16"), 138357544);
  EXPECT_EQ(parameters_of("tv-vgg16-bn"), 138365992);
  EXPECT_EQ(parameters_of("tv-vgg19"), 143667240);
  EXPECT_EQ(parameters_of("tv-vgg19-bn"), 143678248);
  EXPECT_EQ(parameters_of("tv-googlenet"), 6624904);
  EXPECT_EQ(parameters_of("tv-resnet18"), 11689512);
  EXPECT_EQ(parameters_of("tv-resnet34"), 21797672);
  EXPECT_EQ(parameters_of("tv-resnet50"), 25557032);
  EXPECT_EQ(parameters_of("tv-resnet101"), 44549160);
  EXPECT_EQ(parameters_of("tv-resnet152"), 60192808);
}

void expect_output(Net& net, const std::string& name, const ModelOptions& options, int64_t count) {
  for (bool training : {false, true}) {
    const Shape& in = options.input;
    Variable x(uniform(device(), {count, in[0], in[1], in[2]}, {.seed = 2}));
    NoGrad scope;
    Variable y = net.model->forward(x, {.training = training});
    EXPECT_EQ(y.shape(), (Shape{count, options.classes})) << name;
    for (float value : y.value().to_vector<float>()) ASSERT_TRUE(std::isfinite(value)) << name;
  }
}

TEST(Zoo, OutputShapesAndGradients) {
  for (const std::string& name : model_names()) {
    if (is_large(name)) continue;
    const ModelOptions options = least_options(name);
    Net net(name, options);
    expect_output(net, name, options, 3);
    expect_output(net, name, options, 0);  // a rank without samples
    const Shape& in = options.input;
    Variable x(uniform(device(), {4, in[0], in[1], in[2]}, {.seed = 2}));
    Variable y = net.model->forward(x, {.training = true});
    sum(cross_entropy(y, arange(device(), 4, DType::i64)).losses).backward();
    for (const auto& slot : net.set.slots())
      EXPECT_TRUE(slot.parameter->variable.has_grad()) << name << " " << slot.name;
  }
}

// Made of the same parts as the smaller ones, so one pass through each is enough.
TEST(Zoo, OutputShapesOfLargeNetworks) {
  for (const char* name : {"tv-alexnet", "tv-vgg11-bn", "tv-resnet152"}) {
    const ModelOptions options = least_options(name);
    auto model = build_model(name, options);
    nn::ParameterSet set(*model, device(), std::nullopt);
    device().fill(set.values().view(), 0.001);
    const Shape& in = options.input;
    NoGrad scope;
    Variable y = model->forward(Variable(ones(device(), {1, in[0], in[1], in[2]})), {});
    EXPECT_EQ(y.shape(), (Shape{1, options.classes})) << name;
  }
  device().pool().trim();
}

TEST(Zoo, OtherSizesAndClasses) {
  for (const char* name : {"softmax-regression", "mlp", "dropout-mlp", "lenet", "bn-lenet"}) {
    const ModelOptions options{.input = {32, 20, 3}, .classes = 7};
    Net net(name, options);
    expect_output(net, name, options, 3);
  }
}

TEST(Zoo, UnknownNamesAreAnsweredWithTheNearest) {
  EXPECT_THAT(message_of([] { build_model("lennet", {}); }),
              AllOf(HasSubstr("lennet"), HasSubstr("'lenet'")));
  EXPECT_THROW(build_model("lennet", {}), UsageError);
  EXPECT_THAT(message_of([] { build_model("mlp", {.init = "xavjer"}); }), HasSubstr("xavier"));
  EXPECT_THAT(message_of([] { build_model("mlp", {.input = {28, 28}}); }), HasSubstr("[28, 28]"));
}

TEST(Zoo, WidthsThatCannotBeAreRefused) {
  EXPECT_EQ(message_of([] { build_model("lenet", {.width = 2}); }),
            "model lenet: expected a width of 1, it cannot be made narrower, found 2");
  EXPECT_EQ(message_of([] { build_model("vgg11", {.width = 0}); }),
            "model vgg11: expected a width of at least 1, found 0");
  EXPECT_EQ(message_of([] { build_model("resnet18", {.width = 5}); }),
            "width 5: expected a divisor of the model's 64 channels");
  EXPECT_THROW(build_model("tv-resnet18", {.width = 2}), UsageError);
}

TEST(Zoo, SmallestInputs) {
  struct Least {
    const char* name;
    int64_t side;
  };
  for (const Least& least :
       {Least{"lenet", 12}, Least{"bn-lenet", 16}, Least{"alexnet", 65}, Least{"vgg11", 32},
        Least{"nin", 67}, Least{"densenet", 29}, Least{"tv-googlenet", 15}, Least{"googlenet", 1},
        Least{"resnet18", 1}}) {
    const ModelOptions fits{.input = {least.side, least.side, 1},
                            .width = least_options(least.name).width};
    Net net(least.name, fits);
    expect_output(net, least.name, fits, 2);
    if (least.side == 1) continue;
    for (const Shape& small : {Shape{least.side - 1, 99, 1}, Shape{99, least.side - 1, 1}})
      EXPECT_THAT(message_of([&] { build_model(least.name, {.input = small}); }),
                  AllOf(HasSubstr(concat("expected an input of at least ", least.side, " x ")),
                        HasSubstr(small.to_string())));
  }
}

TEST(Zoo, StandardNetworksNameTheSizesThatFit) {
  EXPECT_EQ(message_of([] {
              build_model("tv-alexnet", {.input = {224, 96, 3}});
            }),
            "tv-alexnet: expected an input with sides of 223 to 254, 415 to 446 and so on, found "
            "[224, 96, 3]");
  EXPECT_EQ(message_of([] {
              build_model("tv-vgg16", {.input = {32, 32, 3}});
            }),
            "tv-vgg: expected an input with sides of 224 to 255, 448 to 479 and so on, found "
            "[32, 32, 3]");
  EXPECT_EQ(parameters_of("tv-vgg16", {.input = {479, 224, 3}, .classes = 1000}), 138357544);
}

// With 16-bit activations every network gives nearly the same output, and every parameter gets an
// f32 gradient.
void expect_half_precision(DType half) {
  if (!device().computes(half))
    GTEST_SKIP() << "this machine does not multiply " << to_string(half);
  const std::pair<const char*, ModelOptions> cases[] = {
      {"lenet", {}},
      {"bn-lenet", {}},
      {"dropout-mlp", {}},
      {"vit-tiny", {}},
      {"alexnet", {.input = {65, 65, 1}, .width = 4}},
      {"vgg11-bn", {.input = {32, 32, 1}, .width = 4}},
      {"nin", {.input = {67, 67, 1}, .width = 4}},
      {"googlenet", {.input = {32, 32, 1}, .width = 2}},
      {"resnet18", {.input = {64, 64, 1}}},
      {"densenet", {.input = {32, 32, 1}}},
      {"resnet20", {.input = {32, 32, 3}}},
      {"tv-resnet18", {.input = {64, 64, 3}}}};
  for (const auto& [name, options] : cases) {
    auto model = build_model(name, options);
    nn::ParameterSet set(*model, device(), 1);
    const Shape& in = options.input;
    const Tensor images = uniform(device(), {4, in[0], in[1], in[2]}, {.seed = 2});
    std::vector<float> scores[2];
    for (DType dtype : {DType::f32, half}) {
      set.zero_grad();
      Variable y = model->forward(Variable(images.cast(dtype)), {.training = true});
      EXPECT_EQ(y.value().dtype(), dtype) << name;
      scores[dtype == half] = y.value().to_vector<float>();
      cross_entropy(y, arange(device(), 4, DType::i64)).losses.backward(ones(device(), {4}));
      for (const auto& slot : set.slots()) {
        const Variable& parameter = slot.parameter->variable;
        ASSERT_TRUE(parameter.has_grad()) << name << ": " << slot.name;
        EXPECT_EQ(parameter.grad().dtype(), DType::f32);
        for (float value : parameter.grad().to_vector<float>()) ASSERT_TRUE(std::isfinite(value));
      }
    }
    double square = 0, difference = 0;
    for (size_t i = 0; i < scores[0].size(); ++i) {
      square += std::pow(static_cast<double>(scores[0][i]), 2);
      difference += std::pow(static_cast<double>(scores[0][i] - scores[1][i]), 2);
    }
    EXPECT_LT(std::sqrt(difference / square), half == DType::f16 ? 0.02 : 0.1) << name;
  }
}

TEST(Zoo, ComputesInBf16) { expect_half_precision(DType::bf16); }
TEST(Zoo, ComputesInF16) { expect_half_precision(DType::f16); }

TEST(Recipes, NameModelsThatExist) {
  for (const Recipe& recipe : recipes()) {
    const int64_t side = recipe.resize > 0 ? recipe.resize : 28;
    const ModelOptions options{
        .input = {side, side, 1}, .init = recipe.init, .width = recipe.width};
    EXPECT_GT(parameters_of(recipe.name, options), 0) << recipe.name;
    EXPECT_GT(recipe.lr, 0);
    EXPECT_EQ(&find_recipe(recipe.name), &recipe);
  }
  EXPECT_EQ(parameters_of("vgg11", {.input = {224, 224, 1}, .width = find_recipe("vgg11").width}),
            43093322);
  EXPECT_THAT(message_of([] { find_recipe("lenett"); }), HasSubstr("lenet"));
}

}  // namespace
}  // namespace d2l::models::test
