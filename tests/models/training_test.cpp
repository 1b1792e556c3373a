#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/softmax.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "tests/models/models_support.h"

namespace d2l::models::test {
namespace {

Tensor noise(int64_t count, const Shape& in) {
  return uniform(device(), {count, in[0], in[1], in[2]}, {.seed = 2});
}

// The losses of plain SGD on one batch.
std::vector<double> losses_of(Net& net, const ModelOptions& options, const Tensor& images,
                              double lr, int steps) {
  const Variable x(images);
  const int64_t count = images.size(0);
  std::vector<int64_t> labels(static_cast<size_t>(count));
  for (size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<int64_t>(random_below({.seed = 8, .stream = 1}, i, options.classes));
  Tensor targets = from_vector(device(), {count}, labels);
  std::vector<double> losses;
  for (int step = 0; step < steps; ++step) {
    const nn::Context context{.training = true,
                              .rng = {.seed = 1, .stream = static_cast<uint64_t>(step)}};
    Variable loss = mean(cross_entropy(net.model->forward(x, context), targets).losses);
    losses.push_back(loss.value().item<double>());
    net.set.zero_grad();
    loss.backward();
    axpby(-lr, net.set.gradients(), 1, net.set.values());
  }
  return losses;
}

// 32 images of noise, which a network can only memorise.
TEST(Training, MlpLearnsOneBatchByHeart) {
  Net net("mlp");
  const ModelOptions options = usual_options("mlp");
  const std::vector<double> losses = losses_of(net, options, noise(32, options.input), 0.1, 200);
  EXPECT_NEAR(losses.front(), std::log(10.0), 0.3);
  EXPECT_LT(losses.back(), 0.05);
}

struct Golden {
  const char* name;
  double lr;
  Shape input;  // large enough that batch norm averages more than a few numbers
  std::vector<double> losses;
};

const Golden kGoldens[] = {
    {"alexnet", 0.05, {65, 66, 1}, {1.43000, 1.42086, 1.34481, 1.36452}},
    {"vgg11", 0.05, {32, 36, 1}, {1.36561, 1.31904, 1.26755, 1.33157}},
    {"vgg11-bn", 0.005, {64, 64, 1}, {1.29344, 1.22986, 1.33890, 1.39698}},
    {"nin", 0.05, {67, 70, 1}, {1.41906, 1.42523, 1.42288, 1.41460}},
    {"googlenet", 0.05, {20, 30, 1}, {1.37825, 1.37339, 1.36901, 1.36501}},
    {"resnet18", 0.005, {64, 64, 1}, {1.90424, 0.79370, 0.40685, 0.24015}},
    {"densenet", 0.005, {40, 33, 1}, {1.10977, 0.83064, 0.69709, 0.62880}},
    {"resnet20", 0.02, {12, 13, 3}, {1.53181, 1.38132, 1.27260, 1.19073}},
    {"tv-resnet18", 0.001, {64, 64, 3}, {1.27578, 0.64824, 0.43772, 0.33799}},
};

// Losses recorded when each family's structure was compared with its reference. Convolution
// kernels, and so rounding, differ between machines.
TEST(Training, GoldenTrajectories) {
  for (const Golden& golden : kGoldens) {
    ModelOptions options = least_options(golden.name);
    options.input = golden.input;
    Net net(golden.name, options);
    const std::vector<double> found = losses_of(net, options, noise(8, golden.input), golden.lr,
                                                static_cast<int>(golden.losses.size()));
    for (size_t step = 0; step < found.size(); ++step)
      EXPECT_NEAR(found[step], golden.losses[step], 5e-4) << golden.name << ", step " << step;
  }
}

// Initial gradients of these networks are too ill-conditioned for trajectories: compares outputs
// after one batch has updated the running statistics.
TEST(Evaluation, GoldenLogits) {
  struct Answer {
    const char* name;
    std::vector<float> logits;
  };
  const Answer answers[] = {
      {"tv-resnet50",
       {0.116119f, -0.063493f, -0.006424f, -0.045440f, 0.080563f, -0.078006f, -0.009310f,
        -0.024962f}},
      {"tv-googlenet",
       {-1.04024f, -1.15045f, 1.62608f, -1.58014f, -0.89119f, -1.32996f, 1.30071f, -1.50036f}}};
  for (const Answer& answer : answers) {
    const ModelOptions options{.input = {40, 47, 3}, .classes = 4};
    Net net(answer.name, options);
    const Variable x(noise(2, options.input));
    NoGrad scope;
    net.model->forward(x, {.training = true});
    Tensor y = net.model->forward(x, {}).value();
    EXPECT_TRUE(close(y, answer.logits, 1e-4, 1e-4)) << answer.name;
  }
}

}  // namespace
}  // namespace d2l::models::test
