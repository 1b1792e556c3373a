// Chapter 4.1: ReLU, sigmoid and tanh, and their gradients.
//     build/release/examples/ch04/activations [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/plot.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  const std::vector<std::pair<std::string, Variable (*)(const Variable&)>> functions = {
      {"ReLU", relu}, {"sigmoid", sigmoid}, {"tanh", tanh}};
  const Tensor x = arange(-8, 8, 0.1);
  examples::Plot values("Activation functions", "x"), gradients("Their gradients", "x");
  for (const auto& [name, function] : functions) {
    Variable input(x, true);
    Variable y = function(input);
    sum(y).backward();
    values.line(name, x, y.value());
    gradients.line(name, x, input.grad());
    print(name, "is at most", max(y.value()), "and its gradient at most", max(input.grad()));
  }
  values.y_range(-1.2, 4).save(arguments.file("activations.svg"));
  gradients.save(arguments.file("activation_gradients.svg"));
}
