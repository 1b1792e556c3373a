#include "framework/tensor/checks.h"

#include <functional>

namespace d2l {

void check_same_backend(const char* name, const Tensor& a, const Tensor& b) {
  check(a.defined() && b.defined(), name, ": expected two tensors, found an undefined one");
  check(&a.backend() == &b.backend(), name, ": expected tensors of one backend, found one on ",
        to_string(a.backend().device()), " and one on ", to_string(b.backend().device()),
        a.backend().device() == b.backend().device() ? " of another backend" : "");
}

void check_floats(const char* name, const Tensor& x) {
  if (x.defined() && x.dtype() == DType::f16)
    check(x.backend().computes(DType::f16), name, ": expected f32 or bf16 on ",
          to_string(x.backend().device()), ", found f16");
  else if (!x.defined() || x.dtype() != DType::bf16)
    check_dtype(name, x, DType::f32);
}

DType joint_dtype(const char* name, const Tensor& a, const Tensor& b) {
  if (!is_half(a.dtype())) return b.dtype();
  check(a.dtype() == b.dtype() || !is_half(b.dtype()), name,
        ": expected 16 bits of one kind, found ", to_string(a.dtype()), " and ",
        to_string(b.dtype()));
  return a.dtype();
}

Shape broadcast_shape(const char* name, const Shape& a, const Shape& b) {
  if (a == b) return a;
  try {
    return broadcast(a, b);
  } catch (const Error& error) {
    fail(name, ": ", error.what());
  }
}

void check_broadcasts_to(const char* name, const Shape& from, const Shape& to) {
  bool fits = from.rank() <= to.rank();
  for (int i = 1; fits && i <= from.rank(); ++i) {
    int64_t size = from[from.rank() - i];
    fits = size == 1 || size == to[to.rank() - i];
  }
  check(fits, name, ": ", from, " does not broadcast to ", to);
}

int check_axis(const char* name, int axis, const Shape& shape) {
  int index = axis < 0 ? axis + shape.rank() : axis;
  check(index >= 0 && index < shape.rank(), name, ": axis ", axis, " is outside ", shape,
        ", which has ", shape.rank(), " axes");
  return index;
}

Tensor disjoint_from(const Tensor& target, const Tensor& source) {
  ConstView a = target.view(), b = source.view();
  auto begin_a = static_cast<const char*>(a.data), begin_b = static_cast<const char*>(b.data);
  std::less<const char*> before;
  bool overlap = before(begin_a, begin_b + b.bytes()) && before(begin_b, begin_a + a.bytes());
  return overlap ? source.clone() : source;
}

Tensor same_or_disjoint(const Tensor& target, const Tensor& source) {
  ConstView a = target.view(), b = source.view();
  bool same = a.data == b.data && a.dtype == b.dtype && a.shape == b.shape;
  return same ? source : disjoint_from(target, source);
}

}  // namespace d2l
