// Chapter 6.6: LeNet on Fashion-MNIST. From the command line: d2l-train --recipe lenet
//     build/release/examples/ch06/lenet [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/training.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  using enum Activation;
  nn::Sequential net(
      nn::Conv2d(1, 6, {.kernel = 5, .padding = 2, .activation = sigmoid}),
      nn::Pool2d(Pooling::average, 2, 2), nn::Conv2d(6, 16, {.kernel = 5, .activation = sigmoid}),
      nn::Pool2d(Pooling::average, 2, 2), nn::Flatten(), nn::Linear(400, 120, sigmoid),
      nn::Linear(120, 84, sigmoid), nn::Linear(84, 10));
  nn::ParameterSet parameters(net, arguments.seed());
  Variable x = zeros({1, 28, 28, 1});
  for (const auto& layer : net.children()) {
    x = (*layer.module)(x);
    print("after layer", layer.name, x.shape());
  }

  data::Batches train(examples::open("fashion-mnist", data::Split::train), {.batch_size = 256});
  data::Batches test(examples::open("fashion-mnist", data::Split::test), {.batch_size = 256});
  const auto sgd = make_sgd(parameters, {});
  const auto epochs =
      examples::train_classifier(net, parameters, *sgd, train, test, {.epochs = 10, .lr = 0.9});
  examples::plot_epochs(arguments.file("lenet.svg"), "LeNet on Fashion-MNIST", epochs);
}
