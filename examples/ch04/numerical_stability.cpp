// Chapter 4.8: gradients that vanish and explode, and Xavier's initialisation.
//     build/release/examples/ch04/numerical_stability [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/plot.h"

using namespace d2l;

// The standard deviation of the activations after each of 50 linear layers of width 256.
std::vector<double> spread(const nn::Initializer& init, Random& random) {
  nn::Sequential net;
  for (int i = 0; i < 50; ++i)
    net.then<nn::Linear>(256, 256, Activation::none, nn::LayerInit{.weight = init},
                         nn::Linear::Bias::no);
  const nn::ParameterSet parameters(net);
  const NoGrad no_grad;
  Variable y = random.normal({64, 256});
  std::vector<double> deviations;
  for (const auto& layer : net.children()) {
    y = (*layer.module)(y);
    deviations.push_back(double(sqrt(mean(square(y.value())))));
  }
  return deviations;
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  const Tensor x = arange(-8, 8, 0.1);
  Variable input(x, true);
  const Variable y = sigmoid(input);
  sum(y).backward();
  examples::Plot("The gradient of the sigmoid vanishes", "x")
      .line("sigmoid", x, y.value())
      .line("gradient", x, input.grad())
      .save(arguments.file("vanishing_gradient.svg"));

  Random random(arguments.seed());
  Tensor product = random.normal({4, 4});
  print("a random matrix:", product);
  for (int i = 0; i < 100; ++i) product = matmul(product, random.normal({4, 4}));
  print("the product of 100 of them:", product);

  examples::Plot plot("The spread of activations in a deep network", "layer", "deviation");
  plot.log_y();
  std::vector<double> layers;
  for (int i = 1; i <= 50; ++i) layers.push_back(i);
  const auto add = [&](const std::string& name, const nn::Initializer& init) {
    const std::vector<double> found = spread(init, random);
    print(name, "- deviation after 50 layers:", found.back());
    plot.line(name, layers, found);
  };
  add("N(0, 0.01)", nn::normal(0, 0.01));
  add("N(0, 0.1)", nn::normal(0, 0.1));
  add("Xavier", nn::xavier_uniform());
  plot.save(arguments.file("xavier.svg"));
}
