#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// Differentiable element-wise functions. Operands are broadcast; the gradient of a broadcast
// operand is summed to its shape. The formulas are in framework/backend/formulas.h.
Variable unary(Unary op, const Variable& x);

Variable exp(const Variable& x);
Variable log(const Variable& x);
Variable sqrt(const Variable& x);
Variable square(const Variable& x);
Variable abs(const Variable& x);
Variable sin(const Variable& x);
Variable cos(const Variable& x);
Variable relu(const Variable& x);
Variable sigmoid(const Variable& x);
Variable tanh(const Variable& x);
Variable gelu(const Variable& x);
Variable pow(const Variable& x, double exponent);

Variable operator-(const Variable& x);
Variable operator+(const Variable& a, const Variable& b);
Variable operator-(const Variable& a, const Variable& b);
Variable operator*(const Variable& a, const Variable& b);
Variable operator/(const Variable& a, const Variable& b);
Variable operator+(const Variable& a, double b);
Variable operator-(const Variable& a, double b);
Variable operator*(const Variable& a, double b);
Variable operator/(const Variable& a, double b);
Variable operator+(double a, const Variable& b);
Variable operator-(double a, const Variable& b);
Variable operator*(double a, const Variable& b);
Variable operator/(double a, const Variable& b);

// Zeroes elements with probability p and scales the others (chapter 4.6); see DropoutParams. Its
// `step` must stay valid until the gradient has been computed.
Variable dropout(const Variable& x, const DropoutParams& params);

}  // namespace d2l
