// Chapter 4.3: the same multilayer perceptron made of layers.
//     build/release/examples/ch04/mlp_concise [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/training.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  data::Batches train(examples::open("fashion-mnist", data::Split::train), {.batch_size = 256});
  data::Batches test(examples::open("fashion-mnist", data::Split::test), {.batch_size = 256});
  const nn::LayerInit init = {.weight = nn::normal(0, 0.01)};
  nn::Sequential net(nn::Flatten(), nn::Linear(784, 256, Activation::relu, init),
                     nn::Linear(256, 10, Activation::none, init));
  nn::ParameterSet parameters(net, arguments.seed());
  const auto sgd = make_sgd(parameters, {});
  const auto epochs =
      examples::train_classifier(net, parameters, *sgd, train, test, {.epochs = 10, .lr = 0.1});
  examples::plot_epochs(arguments.file("mlp.svg"), "A multilayer perceptron on Fashion-MNIST",
                        epochs);
}
