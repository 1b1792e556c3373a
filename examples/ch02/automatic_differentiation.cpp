// Chapter 2.5: gradients of scalars and of vectors, detached values, control flow.
//     build/release/examples/ch02/automatic_differentiation

#include <d2l.h>

using namespace d2l;

// Its result is k a for some k, which depends on a.
Variable f(const Variable& a) {
  Variable b = a * 2;
  while (float(norm_l2(b.value())) < 1000) b = b * 2;
  return float(sum(b)) > 0 ? b : 100 * b;
}

int main() {
  Variable x(arange(4), true);
  Variable y = 2 * dot(x, x);
  y.backward();
  print("y = 2 x.x =", y, "- gradient:", x.grad(), "- is it 4 x?", x.grad() == 4 * x.value());

  x.zero_grad();
  sum(x).backward();
  print("gradient of the sum:", x.grad());

  x.zero_grad();
  sum(x * x).backward();
  print("gradient of the sum of squares:", x.grad());

  x.zero_grad();
  const Variable u = (x * x).detach();
  sum(u * x).backward();
  print("u taken as a constant: gradient", x.grad(), "is u:", x.grad() == u.value());

  Variable a(Random(0).normal({}), true);
  const Variable d = f(a);
  Variable(d).backward();
  print("through loops and branches: gradient", a.grad(),
        "is d / a:", a.grad() == d.value() / a.value());
}
