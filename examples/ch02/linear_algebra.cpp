// Chapter 2.3: vectors, matrices, sums over axes, products and norms.
//     build/release/examples/ch02/linear_algebra

#include <d2l.h>

using namespace d2l;

int main() {
  const Tensor x = tensor({3}), y = tensor({2});
  print("scalars:", x + y, x * y, x / y, pow(x, 2));

  const Tensor v = arange(4);
  print("vector:", v, "element 3:", v(3), "length:", v.size(0), "shape:", v.shape());

  Tensor a = arange(20).reshape({5, 4});
  print("matrix:", a, "transposed:", transpose(a));
  const Tensor symmetric = tensor({{1, 2, 3}, {2, 0, 4}, {3, 4, 5}});
  print("symmetric:", symmetric == transpose(symmetric));
  print("three axes:", arange(24).reshape({2, 3, 4}));

  const Tensor b = a.clone();
  print("sum:", a + b, "Hadamard product:", a * b);
  print("scaled:", 2 * a, "shape:", (2 * a).shape());

  print("sum of all elements:", sum(a), "over the rows:", sum(a, {0}),
        "over the columns:", sum(a, {1}));
  print("mean:", mean(a), sum(a) / double(a.elements()), "of the columns:", mean(a, {0}));
  const Tensor sums = sum(a, {1}, KeepDims::yes);
  print("sums that keep the axis:", sums, "shares of each row:", a / sums);
  print("running sums:", cumsum(a, 0));

  const Tensor ones4 = ones({4});
  print("dot product:", dot(v, ones4), sum(v * ones4));
  print("matrix times vector:", matmul(a, v));
  print("matrix times matrix:", matmul(a, ones({4, 3})));

  const Tensor u = tensor({3, -4});
  print("norms of", u, "- L2:", norm_l2(u), "L1:", norm_l1(u));
  print("Frobenius norm:", norm_l2(ones({4, 9})));
}
