// Chapter 7.5: batch normalisation by hand, next to the layer.
//     build/release/examples/ch07/batch_norm

#include <d2l.h>

using namespace d2l;

// Over all axes but the last; updates the running statistics in training.
Variable batch_norm_by_hand(const Variable& x, const Variable& gamma, const Variable& beta,
                            Tensor& running_mean, Tensor& running_variance, bool training) {
  if (!training) return (x - running_mean) / sqrt(running_variance + 1e-5) * gamma + beta;
  std::vector<int> axes;
  for (int axis = 0; axis < x.shape().rank() - 1; ++axis) axes.push_back(axis);
  const Variable average = mean(x, axes);
  const Variable variance = mean(square(x - average), axes);
  const double n = double(x.shape().elements() / x.shape().size(-1));
  running_mean = 0.9 * running_mean + 0.1 * average.value();
  running_variance = 0.9 * running_variance + 0.1 * n / (n - 1) * variance.value();
  return (x - average) / sqrt(variance + 1e-5) * gamma + beta;
}

int main() {
  Random random(0);
  nn::BatchNorm layer(3);
  nn::ParameterSet parameters(layer);
  const Variable gamma(random.uniform({3}, 0.5, 1.5), true), beta(random.normal({3}), true);
  parameters["weight"].value().copy_from(gamma.value());
  parameters["bias"].value().copy_from(beta.value());

  Tensor running_mean = zeros({3}), running_variance = ones({3});
  double value = 0, gradient = 0;
  for (int step = 0; step < 5; ++step) {
    Variable a(random.normal({8, 4, 4, 3}, 2, 3), true), b(a.value().clone(), true);
    Variable by_hand = batch_norm_by_hand(a, gamma, beta, running_mean, running_variance, true);
    Variable by_layer = layer(b, nn::in_training(step));
    sum(by_hand * by_hand).backward();
    sum(by_layer * by_layer).backward();
    value = std::max(value, double(max(abs(by_hand.value() - by_layer.value()))));
    gradient = std::max(gradient, double(max(abs(a.grad() - b.grad()))));
  }
  print("values differ by at most", value, "- gradients by", gradient);
  const Tensor x = random.normal({4, 3});
  const Variable by_hand =
      batch_norm_by_hand(x, gamma, beta, running_mean, running_variance, false);
  print("after training, values differ by at most", max(abs(by_hand.value() - layer(x).value())));
}
