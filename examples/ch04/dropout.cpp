// Chapter 4.6: dropout by hand, and a network with dropout on Fashion-MNIST.
//     build/release/examples/ch04/dropout [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/training.h"

using namespace d2l;

Tensor dropout_by_hand(const Tensor& x, double p, Random& random) {
  if (p == 1) return zeros_like(x);
  const Tensor kept = (random.uniform(x.shape()) >= p).cast(DType::f32);
  return kept * x / (1 - p);
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  Random random(arguments.seed());
  const Tensor x = arange(16).reshape({2, 8});
  for (const double p : {0.0, 0.5, 1.0}) print("p =", p, dropout_by_hand(x, p, random));

  data::Batches train(examples::open("fashion-mnist", data::Split::train), {.batch_size = 256});
  data::Batches test(examples::open("fashion-mnist", data::Split::test), {.batch_size = 256});
  const nn::LayerInit init = {.weight = nn::normal(0, 0.01)};
  nn::Sequential net(nn::Flatten(), nn::Linear(784, 256, Activation::relu, init), nn::Dropout(0.2),
                     nn::Linear(256, 256, Activation::relu, init), nn::Dropout(0.5),
                     nn::Linear(256, 10, Activation::none, init));
  nn::ParameterSet parameters(net, arguments.seed());
  const auto sgd = make_sgd(parameters, {});
  const auto epochs =
      examples::train_classifier(net, parameters, *sgd, train, test, {.epochs = 10, .lr = 0.5});
  examples::plot_epochs(arguments.file("dropout.svg"), "A network with dropout on Fashion-MNIST",
                        epochs);
}
