// Chapters 3.1 and 3.2: linear regression by mini-batch gradient descent, written by hand.
//     build/release/examples/ch03/linear_regression_scratch [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  Random random(arguments.seed());
  const Tensor true_w = tensor({2, -3.4});
  const double true_b = 4.2;
  const Tensor features = random.normal({1000, 2});
  const Tensor labels = matmul(features, true_w) + true_b + random.normal({1000}, 0, 0.01);

  Variable w(random.normal({2}, 0, 0.01), true), b(zeros({}), true);
  const double lr = 0.03;
  const int64_t batch_size = 10;
  for (int epoch = 1; epoch <= 3; ++epoch) {
    const Tensor order = tensor(random.permutation(1000));
    for (int64_t begin = 0; begin < 1000; begin += batch_size) {
      const Tensor rows = order.rows(begin, begin + batch_size);
      const Variable prediction = matmul(take(features, rows), w) + b;
      mean(square(prediction - take(labels, rows)) / 2).backward();
      for (Variable* parameter : {&w, &b}) {
        parameter->value() -= lr * parameter->grad();
        parameter->zero_grad();
      }
    }
    const NoGrad no_grad;
    print("epoch", epoch, "loss", mean(square(matmul(features, w) + b - labels) / 2));
  }
  print("error of w:", true_w - w.value(), "error of b:", true_b - b.value());
}
