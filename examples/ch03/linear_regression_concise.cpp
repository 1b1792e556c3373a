// Chapters 3.1 and 3.3: linear regression with a layer, a loader and an optimizer; and the analytic
// solution.
//     build/release/examples/ch03/linear_regression_concise [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"

using namespace d2l;

// The x of a x = b, for a symmetric and positive definite: Gauss-Jordan elimination.
Tensor solve(Tensor a, Tensor b) {
  for (int64_t i = 0; i < a.size(0); ++i) {
    b(i) /= a(i, i);
    a(i) /= a(i, i);
    for (int64_t j = 0; j < a.size(0); ++j) {
      if (j == i) continue;
      b(j) -= a(j, i) * b(i);
      a(j) -= a(j, i) * a(i);
    }
  }
  return b;
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  Random random(arguments.seed());
  const Tensor true_w = tensor({2, -3.4});
  const double true_b = 4.2;
  const Tensor features = random.normal({1000, 2});
  const Tensor labels = matmul(features, true_w) + true_b + random.normal({1000}, 0, 0.01);

  nn::Sequential net(
      nn::Linear(2, 1, Activation::none, {.weight = nn::normal(0, 0.01), .bias = nn::constant(0)}));
  nn::ParameterSet parameters(net, arguments.seed());
  const auto optimizer = make_sgd(parameters, {});
  data::Batches batches(std::make_shared<data::ArrayDataset>(features, labels),
                        {.batch_size = 10, .seed = arguments.seed()});
  for (int epoch = 1; epoch <= 3; ++epoch) {
    for (const auto& [x, y] : batches.epoch(epoch)) {
      parameters.zero_grad();
      mean(square(reshape(net(x), {-1}) - y)).backward();
      optimizer->step(0.03);
    }
    const NoGrad no_grad;
    print("epoch", epoch, "loss", mean(square(reshape(net(features), {-1}) - labels)));
  }
  print("error of w:", true_w - parameters["0.weight"].value(),
        "error of b:", true_b - parameters["0.bias"].value());

  const Tensor x = concat({features, ones({1000, 1})}, 1), xt = transpose(x);
  print("analytic solution:", solve(matmul(xt, x), matmul(xt, labels)));
}
