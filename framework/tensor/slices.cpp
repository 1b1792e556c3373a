#include "framework/tensor/slices.h"

#include "framework/tensor/elementwise.h"

namespace d2l {

TensorPart& TensorPart::operator=(const Tensor& value) {
  assign(whole_, indices_, value);
  return *this;
}

TensorPart& TensorPart::operator=(double value) {
  assign(whole_, indices_, value);
  return *this;
}

TensorPart& TensorPart::operator+=(const Tensor& value) { return *this = Tensor(*this) + value; }
TensorPart& TensorPart::operator-=(const Tensor& value) { return *this = Tensor(*this) - value; }
TensorPart& TensorPart::operator*=(const Tensor& value) { return *this = Tensor(*this) * value; }
TensorPart& TensorPart::operator/=(const Tensor& value) { return *this = Tensor(*this) / value; }
TensorPart& TensorPart::operator+=(double value) { return *this = Tensor(*this) + value; }
TensorPart& TensorPart::operator-=(double value) { return *this = Tensor(*this) - value; }
TensorPart& TensorPart::operator*=(double value) { return *this = Tensor(*this) * value; }
TensorPart& TensorPart::operator/=(double value) { return *this = Tensor(*this) / value; }

std::ostream& operator<<(std::ostream& stream, const TensorPart& part) {
  return stream << Tensor(part);
}

}  // namespace d2l
