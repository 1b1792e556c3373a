// Chapter 3.7: softmax regression on Fashion-MNIST with a layer and an optimizer.
//     build/release/examples/ch03/softmax_regression_concise [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/training.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  data::Batches train(examples::open("fashion-mnist", data::Split::train), {.batch_size = 256});
  data::Batches test(examples::open("fashion-mnist", data::Split::test), {.batch_size = 256});
  nn::Sequential net(nn::Flatten(),
                     nn::Linear(784, 10, Activation::none, {.weight = nn::normal(0, 0.01)}));
  nn::ParameterSet parameters(net, arguments.seed());
  const auto sgd = make_sgd(parameters, {});
  const auto epochs =
      examples::train_classifier(net, parameters, *sgd, train, test, {.epochs = 10, .lr = 0.1});
  examples::plot_epochs(arguments.file("softmax_regression.svg"),
                        "Softmax regression on Fashion-MNIST", epochs);
}
