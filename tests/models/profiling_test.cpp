#include <map>

#include "framework/autograd/arrange.h"
#include "framework/autograd/softmax.h"
#include "framework/backend/profiler.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "tests/models/models_support.h"

namespace d2l::models::test {
namespace {

// One step of plain SGD on synthetic images.
void train_step(nn::Module& model, nn::ParameterSet& set, const ModelOptions& options) {
  constexpr int64_t kSamples = 4;
  Backend& backend = set.backend();
  const Shape& in = options.input;
  const Variable x(uniform(backend, {kSamples, in[0], in[1], in[2]}, {.seed = 2}));
  const Tensor labels = from_vector(backend, {kSamples}, std::vector<int64_t>{0, 1, 2, 3});
  const nn::Context context{.training = true, .rng = {.seed = 1}};
  set.zero_grad();
  mean(cross_entropy(model(x, context), labels).losses).backward();
  axpby(-0.1, set.gradients(), 1, set.values());
}

std::vector<std::vector<float>> state_after_steps(const std::string& name, Backend& backend) {
  const ModelOptions options = least_options(name);
  const auto model = build_model(name, options);
  nn::ParameterSet set(*model, backend, 1);
  for (int step = 0; step < 3; ++step) train_step(*model, set, options);
  std::vector<std::vector<float>> state = {set.values().to_vector<float>(),
                                           set.gradients().to_vector<float>()};
  if (set.buffers().defined()) state.push_back(set.buffers().to_vector<float>());
  return state;
}

TEST(Profiling, ComputesTheSameBits) {
  for (const char* name : {"bn-lenet", "vit-tiny", "dropout-mlp"}) {
    Backend& backend = device();
    Profiler profiler(backend);
    EXPECT_EQ(state_after_steps(name, backend), state_after_steps(name, device())) << name;
    EXPECT_FALSE(profiler.costs().empty());
  }
}

struct Products {
  int64_t forward = 0, backward = 0;
};

// The gradient of each product is two products of the same size, attributed to its module. The
// images need no gradient, so the first layer has only one.
TEST(Profiling, ChargesGradientsToTheirModules) {
  const std::map<std::string, std::string> first_layers = {
      {"lenet", "conv1"},     {"mlp", "hidden"},     {"vit-tiny", "patches"}, {"resnet20", "conv1"},
      {"googlenet", "conv1"}, {"densenet", "conv1"}, {"tv-resnet50", "conv1"}};
  for (const auto& [name, first] : first_layers) {
    const ModelOptions options = least_options(name);
    Backend& backend = device();
    Profiler profiler(backend);
    const auto model = build_model(name, options);
    nn::ParameterSet set(*model, backend, 1);
    train_step(*model, set, options);
    std::map<std::string, Products> modules;
    for (const Cost& cost : profiler.costs()) {
      if (cost.work == Work::loss) {
        EXPECT_FALSE(cost.in_module) << cost.operation;
      }
      if (cost.multiply_adds == 0) continue;
      EXPECT_TRUE(cost.in_module) << name << ": " << cost.operation;
      Products& products = modules[cost.module];
      (cost.backward ? products.backward : products.forward) += cost.multiply_adds;
    }
    EXPECT_EQ(modules.count(first), 1u) << name;
    EXPECT_GE(modules.size(), 2u) << name;
    for (const auto& [path, products] : modules)
      EXPECT_EQ(products.backward, (path == first ? 1 : 2) * products.forward)
          << name << ": " << path;
  }
}

// Products read their weights and write their gradients.
TEST(Profiling, ChargesBytesToEveryOperation) {
  for (const char* name : {"lenet", "resnet20", "googlenet", "vit-tiny", "dropout-mlp"}) {
    const ModelOptions options = least_options(name);
    Backend& backend = device();
    Profiler profiler(backend);
    const auto model = build_model(name, options);
    nn::ParameterSet set(*model, backend, 1);
    profiler.set_limits({.multiply_adds_per_second = {{DType::f32, 1e9}}, .bytes_per_second = 1e9});
    profiler.reset();
    train_step(*model, set, options);
    int64_t of_products = 0;
    for (const Cost& cost : profiler.costs()) {
      EXPECT_GT(cost.bytes, 0) << name << ": " << cost.operation;
      EXPECT_GE(cost.least_seconds, 0.999e-9 * static_cast<double>(cost.bytes)) << cost.operation;
      if (cost.multiply_adds > 0) of_products += cost.bytes;
    }
    EXPECT_GT(of_products, 2 * set.values().view().bytes()) << name;
  }
}

// The end of a residual block is a separate function.
TEST(Profiling, ChargesNormsWithResidualsToTheNorm) {
  const ModelOptions options = least_options("resnet20");
  Backend& backend = device();
  Profiler profiler(backend);
  const auto model = build_model("resnet20", options);
  nn::ParameterSet set(*model, backend, 1);
  train_step(*model, set, options);
  for (const Cost& cost : profiler.costs())
    if (cost.work == Work::normalisation) {
      EXPECT_THAT(cost.module, testing::HasSubstr("bn"));
    }
}

}  // namespace
}  // namespace d2l::models::test
