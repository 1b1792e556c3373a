// Chapters 3.4 to 3.6: softmax regression on Fashion-MNIST, written by hand.
//     build/release/examples/ch03/softmax_regression_scratch [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/pictures.h"
#include "examples/support/training.h"

using namespace d2l;

Variable softmax_by_hand(const Variable& x) {
  const Variable powers = exp(x);
  return powers / sum(powers, {1}, KeepDims::yes);
}

Variable cross_entropy_by_hand(const Variable& probabilities, const Tensor& labels) {
  return -sum(log(probabilities) * one_hot(labels, 10), {1});
}

double correct(const Variable& probabilities, const Tensor& labels) {
  const Tensor guesses = argmax(probabilities.value()).cast(DType::f32);
  return double(sum((guesses == labels.cast(DType::f32)).cast(DType::f32)));
}

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  data::Batches train(examples::open("fashion-mnist", data::Split::train), {.batch_size = 256});
  data::Batches test(examples::open("fashion-mnist", data::Split::test), {.batch_size = 256});
  Variable w(Random(arguments.seed()).normal({784, 10}, 0, 0.01), true), b(zeros({10}), true);
  const auto net = [&](const Tensor& x) {
    return softmax_by_hand(matmul(x.reshape({-1, 784}), w) + b);
  };

  for (int epoch = 0; epoch < 10; ++epoch) {
    double loss = 0, train_correct = 0, test_correct = 0;
    for (const auto& [x, y] : train.epoch(epoch)) {
      const Variable probabilities = net(x);
      const Variable losses = cross_entropy_by_hand(probabilities, y);
      mean(losses).backward();
      for (Variable* parameter : {&w, &b}) {
        parameter->value() -= 0.1 * parameter->grad();
        parameter->zero_grad();
      }
      loss += double(sum(losses));
      train_correct += correct(probabilities, y);
    }
    const NoGrad no_grad;
    for (const auto& [x, y] : test.epoch(0)) test_correct += correct(net(x), y);
    print("epoch", epoch + 1, "loss", loss / 60000, "train acc", train_correct / 60000, "test acc",
          test_correct / 10000);
  }

  const NoGrad no_grad;
  for (const auto& [x, y] : test.epoch(0)) {
    const auto truth = examples::class_names(test.dataset(), y.rows(0, 6)),
               guess = examples::class_names(test.dataset(), argmax(net(x).value()).rows(0, 6));
    std::vector<std::string> titles;
    for (size_t i = 0; i < 6; ++i) titles.push_back(truth[i] + " / " + guess[i]);
    examples::save_images(arguments.file("predictions.svg"), "True and predicted classes",
                          x.rows(0, 6), titles, 3, 5);
    break;
  }
}
