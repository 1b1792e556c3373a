// Chapter 4.2: a multilayer perceptron on Fashion-MNIST whose layers are written by hand.
//     build/release/examples/ch04/mlp_scratch [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/datasets.h"
#include "examples/support/training.h"

using namespace d2l;

class Mlp final : public nn::Module {
 public:
  Mlp()
      : w1_(add_parameter("w1", {784, 256}, nn::normal(0, 0.01))),
        b1_(add_parameter("b1", {256}, nn::constant(0))),
        w2_(add_parameter("w2", {256, 10}, nn::normal(0, 0.01))),
        b2_(add_parameter("b2", {10}, nn::constant(0))) {}

  Variable forward(const Variable& x, const nn::Context&) override {
    const Variable hidden = relu(matmul(flatten(x), w1_->variable) + b1_->variable);
    return matmul(hidden, w2_->variable) + b2_->variable;
  }

 private:
  std::shared_ptr<nn::Parameter> w1_, b1_, w2_, b2_;
};

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  data::Batches train(examples::open("fashion-mnist", data::Split::train), {.batch_size = 256});
  data::Batches test(examples::open("fashion-mnist", data::Split::test), {.batch_size = 256});
  Mlp net;
  nn::ParameterSet parameters(net, arguments.seed());
  const auto sgd = make_sgd(parameters, {});
  examples::train_classifier(net, parameters, *sgd, train, test, {.epochs = 10, .lr = 0.1});
}
