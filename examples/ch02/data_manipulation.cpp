// Chapter 2.1: tensors are created, reshaped, computed with, cut into parts and converted.
//     build/release/examples/ch02/data_manipulation

#include <d2l.h>

using namespace d2l;

int main() {
  Tensor x = arange(12);
  print("x =", x, "has shape", x.shape(), "and", x.elements(), "elements");
  Tensor matrix = x.reshape({3, 4});
  print("reshaped:", matrix);
  print(zeros({2, 3, 4}));
  print(ones({2, 3, 4}));
  print("random:", Random(0).normal({3, 4}));
  print(tensor({{2, 1, 4, 3}, {1, 2, 3, 4}, {4, 3, 2, 1}}));

  const Tensor a = tensor({1, 2, 4, 8}), b = tensor({2, 2, 2, 2});
  print("sum", a + b, "difference", a - b, "product", a * b, "quotient", a / b, "power", pow(a, 2));
  print("exp", exp(a));

  const Tensor y = tensor({{2, 1, 4, 3}, {1, 2, 3, 4}, {4, 3, 2, 1}});
  print("below each other:", concat({matrix, y}, 0));
  print("side by side:", concat({matrix, y}, 1));
  print("equal where:", matrix == y);
  print("sum of all elements:", sum(matrix));

  print("broadcast:", arange(3).reshape({3, 1}) + arange(2).reshape({1, 2}));

  print("last row:", matrix(-1), "rows 1 and 2:", matrix(range(1, 3)));
  print("column 1:", matrix(all, 1), "a block:", matrix(range(1, 3), from(1)));
  print("every third row, every second column:", matrix(every(3), every(2)));
  matrix(1, 2) = 9;
  print("one element written:", matrix);
  matrix(range(0, 2)) = 12;
  print("two rows written:", matrix);

  Tensor z = zeros_like(y);
  const float* before = z.data<float>();
  z(all) = matrix + y;
  z += y;
  print("in place, at the same address:", z.data<float>() == before ? "yes" : "no");

  const std::vector<float> values = matrix.to_vector<float>();
  print("as a std::vector:", values.size(), "values, back as a tensor:", tensor(values).shape());
  const Tensor scalar = tensor({3.5});
  print("as numbers:", scalar, scalar.item<float>(), float(scalar), int64_t(scalar));
}
