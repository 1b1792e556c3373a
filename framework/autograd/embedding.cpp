#include "framework/autograd/embedding.h"

#include "framework/tensor/arrange.h"

namespace d2l {

Variable embedding(const Variable& table, const Tensor& indices) {
  const Tensor y = take(table.value(), indices);
  return Variable::result(y, {table}, [table, indices](const Tensor& grad) {
    table.contribute([&](Tensor& out) {
      out.backend().fill(out.view(), 0);
      out.backend().scatter_add_rows(grad.view(), indices.view(), out.view());
    });
  });
}

}  // namespace d2l
