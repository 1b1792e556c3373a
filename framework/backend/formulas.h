#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "framework/backend/params.h"
#include "framework/base/error.h"
#include "framework/base/host_device.h"

namespace d2l {

// All element-wise formulas and their derivatives, written once for all backends. To add one, add a
// functor, an entry in its enum, its name and a case in its visit function; no backend changes.

enum class Unary {
  negate,
  exp,
  log,
  sqrt,
  square,
  abs,
  reciprocal,
  sin,
  cos,
  relu,
  sigmoid,
  tanh,
  gelu
};
enum class Binary { add, sub, mul, div, pow, maximum, minimum };
enum class Compare { equal, not_equal, less, less_equal, greater, greater_equal };

// The names in messages.
inline const char* name_of(Unary op) {
  switch (op) {
    case Unary::negate:
      return "negate";
    case Unary::exp:
      return "exp";
    case Unary::log:
      return "log";
    case Unary::sqrt:
      return "sqrt";
    case Unary::square:
      return "square";
    case Unary::abs:
      return "abs";
    case Unary::reciprocal:
      return "reciprocal";
    case Unary::sin:
      return "sin";
    case Unary::cos:
      return "cos";
    case Unary::relu:
      return "relu";
    case Unary::sigmoid:
      return "sigmoid";
    case Unary::tanh:
      return "tanh";
    case Unary::gelu:
      return "gelu";
  }
  return "unary";
}

inline const char* name_of(Binary op) {
  switch (op) {
    case Binary::add:
      return "add";
    case Binary::sub:
      return "sub";
    case Binary::mul:
      return "mul";
    case Binary::div:
      return "div";
    case Binary::pow:
      return "pow";
    case Binary::maximum:
      return "maximum";
    case Binary::minimum:
      return "minimum";
  }
  return "binary";
}

namespace formulas {

// e^(x - n ln 2), where n is the integer nearest to x / ln 2.
D2L_HOST_DEVICE inline float exp_remainder(float x, float n) {
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  float p = 1.9875691500e-4f;  // minimax polynomial on [-ln 2 / 2, ln 2 / 2] (Cephes)
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * r * r + r + 1.0f;
}

// e^x with a relative error below 2e-7, in operations that compilers can vectorise. Returns e^-87
// (about 1e-38) below -87 instead of denormals, and e^88 above 88.
D2L_HOST_DEVICE inline float fast_exp(float x) {
#ifdef __CUDA_ARCH__
  return expf(x);
#else
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  float n = std::floor(x * 1.44269504088896341f + 0.5f);
  int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return exp_remainder(x, n) * scale;
#endif
}

// A functor is called with x for the value, and with (x, y = value) for dy/dx.
struct Negate {
  D2L_HOST_DEVICE float operator()(float x) const { return -x; }
  D2L_HOST_DEVICE float derivative(float, float) const { return -1.0f; }
};
struct Exp {
  D2L_HOST_DEVICE float operator()(float x) const { return std::exp(x); }
  D2L_HOST_DEVICE float derivative(float, float y) const { return y; }
};
struct Log {
  D2L_HOST_DEVICE float operator()(float x) const { return std::log(x); }
  D2L_HOST_DEVICE float derivative(float x, float) const { return 1.0f / x; }
};
struct Sqrt {
  D2L_HOST_DEVICE float operator()(float x) const { return std::sqrt(x); }
  D2L_HOST_DEVICE float derivative(float, float y) const { return 0.5f / y; }
};
struct Square {
  D2L_HOST_DEVICE float operator()(float x) const { return x * x; }
  D2L_HOST_DEVICE float derivative(float x, float) const { return 2.0f * x; }
};
struct Abs {
  D2L_HOST_DEVICE float operator()(float x) const { return x < 0.0f ? -x : x; }
  D2L_HOST_DEVICE float derivative(float x, float) const {
    return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : 0.0f);
  }
};
struct Reciprocal {
  D2L_HOST_DEVICE float operator()(float x) const { return 1.0f / x; }
  D2L_HOST_DEVICE float derivative(float, float y) const { return -y * y; }
};
struct Sin {
  D2L_HOST_DEVICE float operator()(float x) const { return std::sin(x); }
  D2L_HOST_DEVICE float derivative(float x, float) const { return std::cos(x); }
};
struct Cos {
  D2L_HOST_DEVICE float operator()(float x) const { return std::cos(x); }
  D2L_HOST_DEVICE float derivative(float x, float) const { return -std::sin(x); }
};
// The three activations: their derivative uses only y, see Activation. NaN stays NaN.
struct Relu {
  D2L_HOST_DEVICE float operator()(float x) const { return x < 0.0f ? 0.0f : x; }
  D2L_HOST_DEVICE float derivative(float, float y) const { return y <= 0.0f ? 0.0f : 1.0f; }
};
struct Sigmoid {
  D2L_HOST_DEVICE float operator()(float x) const { return 1.0f / (1.0f + fast_exp(-x)); }
  D2L_HOST_DEVICE float derivative(float, float y) const { return y * (1.0f - y); }
};
struct Tanh {
  D2L_HOST_DEVICE float operator()(float x) const {
    // Near zero 1 - 2 / (e^2x + 1) cancels; the series is accurate there.
    float full = 1.0f - 2.0f / (fast_exp(2.0f * x) + 1.0f);
    float square = x * x;
    float series = x * (1.0f - square * (1.0f / 3.0f - square * (2.0f / 15.0f)));
    return square < 0.01f ? series : full;
  }
  D2L_HOST_DEVICE float derivative(float, float y) const { return 1.0f - y * y; }
};
// x times the probability that a standard normal number is below x (Hendrycks and Gimpel, 2016).
struct Gelu {
  D2L_HOST_DEVICE float operator()(float x) const { return x * below(x); }
  D2L_HOST_DEVICE float derivative(float x, float) const {
    return below(x) + x * (0.3989422804f * fast_exp(-0.5f * x * x));
  }

 private:
  D2L_HOST_DEVICE static float below(float x) {
    // erfc by Abramowitz and Stegun, 7.1.26: the error of the probability is below 2e-7.
    float t = 1.0f / (1.0f + 0.231641888f * (x < 0.0f ? -x : x));
    float p = 0.5307027145f;
    p = p * t - 0.7265760135f;
    p = p * t + 0.7107068705f;
    p = p * t - 0.1422483680f;
    p = p * t + 0.1274147960f;
    float tail = p * t * fast_exp(-0.5f * x * x);
    return x < 0.0f ? tail : 1.0f - tail;
  }
};

struct Add {
  D2L_HOST_DEVICE float operator()(float a, float b) const { return a + b; }
};
struct Sub {
  D2L_HOST_DEVICE float operator()(float a, float b) const { return a - b; }
};
struct Mul {
  D2L_HOST_DEVICE float operator()(float a, float b) const { return a * b; }
};
struct Div {
  D2L_HOST_DEVICE float operator()(float a, float b) const { return a / b; }
};
struct Pow {
  D2L_HOST_DEVICE float operator()(float a, float b) const { return std::pow(a, b); }
};
struct Maximum {
  D2L_HOST_DEVICE float operator()(float a, float b) const { return a > b || a != a ? a : b; }
};
struct Minimum {
  D2L_HOST_DEVICE float operator()(float a, float b) const { return a < b || a != a ? a : b; }
};

struct Equal {
  D2L_HOST_DEVICE bool operator()(float a, float b) const { return a == b; }
};
struct NotEqual {
  D2L_HOST_DEVICE bool operator()(float a, float b) const { return a != b; }
};
struct Less {
  D2L_HOST_DEVICE bool operator()(float a, float b) const { return a < b; }
};
struct LessEqual {
  D2L_HOST_DEVICE bool operator()(float a, float b) const { return a <= b; }
};
struct Greater {
  D2L_HOST_DEVICE bool operator()(float a, float b) const { return a > b; }
};
struct GreaterEqual {
  D2L_HOST_DEVICE bool operator()(float a, float b) const { return a >= b; }
};

}  // namespace formulas

// Calls visitor(functor) with the functor of `op`.
template <class Visitor>
void visit(Unary op, Visitor&& visitor) {
  switch (op) {
    case Unary::negate:
      return visitor(formulas::Negate{});
    case Unary::exp:
      return visitor(formulas::Exp{});
    case Unary::log:
      return visitor(formulas::Log{});
    case Unary::sqrt:
      return visitor(formulas::Sqrt{});
    case Unary::square:
      return visitor(formulas::Square{});
    case Unary::abs:
      return visitor(formulas::Abs{});
    case Unary::reciprocal:
      return visitor(formulas::Reciprocal{});
    case Unary::sin:
      return visitor(formulas::Sin{});
    case Unary::cos:
      return visitor(formulas::Cos{});
    case Unary::relu:
      return visitor(formulas::Relu{});
    case Unary::sigmoid:
      return visitor(formulas::Sigmoid{});
    case Unary::tanh:
      return visitor(formulas::Tanh{});
    case Unary::gelu:
      return visitor(formulas::Gelu{});
  }
  fail("unknown unary formula ", static_cast<int>(op));
}

template <class Visitor>
void visit(Binary op, Visitor&& visitor) {
  switch (op) {
    case Binary::add:
      return visitor(formulas::Add{});
    case Binary::sub:
      return visitor(formulas::Sub{});
    case Binary::mul:
      return visitor(formulas::Mul{});
    case Binary::div:
      return visitor(formulas::Div{});
    case Binary::pow:
      return visitor(formulas::Pow{});
    case Binary::maximum:
      return visitor(formulas::Maximum{});
    case Binary::minimum:
      return visitor(formulas::Minimum{});
  }
  fail("unknown binary formula ", static_cast<int>(op));
}

template <class Visitor>
void visit(Compare op, Visitor&& visitor) {
  switch (op) {
    case Compare::equal:
      return visitor(formulas::Equal{});
    case Compare::not_equal:
      return visitor(formulas::NotEqual{});
    case Compare::less:
      return visitor(formulas::Less{});
    case Compare::less_equal:
      return visitor(formulas::LessEqual{});
    case Compare::greater:
      return visitor(formulas::Greater{});
    case Compare::greater_equal:
      return visitor(formulas::GreaterEqual{});
  }
  fail("unknown comparison ", static_cast<int>(op));
}

// The formula of an activation; not for `none`.
inline Unary unary_of(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return Unary::relu;
    case Activation::sigmoid:
      return Unary::sigmoid;
    case Activation::tanh:
      return Unary::tanh;
    case Activation::none:
      break;
  }
  fail("Activation::none has no formula");
}

// Calls visitor(functor) for an activation, nothing for `none`. The visitor can be inlined into
// vectorised code.
template <class Visitor>
[[gnu::always_inline]] inline void visit_activation(Activation activation, Visitor&& visitor) {
  if (activation == Activation::relu) return visitor(formulas::Relu{});
  if (activation == Activation::sigmoid) return visitor(formulas::Sigmoid{});
  if (activation == Activation::tanh) return visitor(formulas::Tanh{});
}

}  // namespace d2l
