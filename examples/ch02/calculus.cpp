// Chapter 2.4: a derivative as a limit, and a function with its tangent.
//     build/release/examples/ch02/calculus [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"
#include "examples/support/plot.h"

using namespace d2l;

double f(double x) { return 3 * x * x - 4 * x; }

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);
  for (double h = 0.1; h > 1e-5; h /= 10) print("h =", h, "slope at 1:", (f(1 + h) - f(1)) / h);

  const Tensor x = arange(0, 3, 0.1);
  const Tensor y = 3 * square(x) - 4 * x;
  examples::Plot plot("A function and its tangent at x = 1", "x", "f(x)");
  plot.line("f(x) = 3x² - 4x", x, y).line("tangent: 2x - 3", x, 2 * x - 3);
  plot.save(arguments.file("tangent.svg"));
}
