#include "framework/autograd/embedding.h"

namespace d2l {

Variable embedding(const Variable& table, const Tensor& indices) {
  const Shape& whole = table.shape();
  check(whole.rank() >= 1, "embedding: expected a table with rows, found a scalar");
  check_dtype("embedding: indices", indices, DType::i64);
  const std::vector<int64_t> chosen = indices.to_vector<int64_t>();
  for (size_t i = 0; i < chosen.size(); ++i)
    check(chosen[i] >= 0 && chosen[i] < whole[0], "embedding: index ", chosen[i], " at position ",
          i, " is outside the table's ", whole[0], " rows");
  Shape shape = indices.shape();
  for (int axis = 1; axis < whole.rank(); ++axis) shape.append(whole[axis]);
  Tensor y(table.backend(), shape, table.value().dtype());
  y.backend().gather_rows(table.value().view(), indices.view(), y.view());
  return Variable::result(y, {table}, [table, indices](const Tensor& grad) {
    table.contribute([&](Tensor& out) {
      out.backend().fill(out.view(), 0);
      out.backend().scatter_add_rows(grad.view(), indices.view(), out.view());
    });
  });
}

}  // namespace d2l
