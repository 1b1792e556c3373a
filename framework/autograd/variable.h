#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <vector>

#include "framework/tensor/index.h"
#include "framework/tensor/tensor.h"

namespace d2l {

class Variable;
Variable get(const Variable& x, const std::vector<Index>& indices);

// A tensor with a gradient and a history (the tape of reverse-mode differentiation, chapter 2.5).
// Copying a variable aliases it. Operations on variables (the other headers of this folder) are
// recorded if one of their inputs requires a gradient and no NoGrad is alive.
class Variable {
 public:
  Variable() = default;
  // A tensor is a constant, unless it requires a gradient.
  Variable(Tensor value, bool requires_grad = false);

  bool defined() const { return node_ != nullptr; }
  const Tensor& value() const;
  Tensor& value();
  const Shape& shape() const { return value().shape(); }
  Backend& backend() const { return value().backend(); }
  bool requires_grad() const;

  // The part that these indices select, see framework/tensor/slices.h: x(all, 1).
  template <class... Indices>
  Variable operator()(const Indices&... indices) const {
    return get(*this, {Index(indices)...});
  }
  // The only element: float(loss).
  template <Number T>
  explicit operator T() const {
    return value().template item<T>();
  }

  // The gradient of a leaf after backward(). Throws Error if there is none.
  const Tensor& grad() const;
  bool has_grad() const;
  // Discards the gradient at no cost: the next contribution overwrites it.
  void zero_grad();

  // The same value without history: a constant in later operations.
  Variable detach() const;

  // Adds d(this)/d(leaf) to the gradient of every leaf. Without an argument, this variable must
  // have one element. `seed` is d(objective)/d(this), of the same shape. Frees the history as it
  // goes, so a graph can be traversed only once.
  void backward();
  void backward(const Tensor& seed);

  // --- for parameters ---
  // Stores the gradient in `slot` (same shape) from now on: kernels write directly to it.
  void bind_grad(Tensor slot);
  // Registers a callback for backward(): called when this leaf has its last contribution.
  void on_grad_ready(std::function<void()> callback);

  // --- for operations ---
  // Adds a contribution to this variable's gradient. `write` fills a tensor of the value's shape
  // and dtype. For the first contribution it gets the gradient's own memory. Does nothing if no
  // gradient is required.
  void contribute(const std::function<void(Tensor& out)>& write) const;
  // The same for a kernel that can accumulate: it always gets the gradient's own memory.
  void contribute(const std::function<void(Tensor& out, bool accumulate)>& write) const;
  // The same with a finished tensor of any dtype. The gradient may adopt its memory.
  void contribute(Tensor gradient) const;
  // Memory for a finished contribution, of the value's shape and dtype. For the first contribution
  // this is the gradient's own memory, if it has any, so that nothing is copied.
  Tensor contribution_memory() const;

  // Makes the result of an operation on `inputs`. `backward` gets d(objective)/d(result), of
  // value's shape, and calls contribute() on the inputs. It is dropped if no input requires a
  // gradient.
  static Variable result(Tensor value, const std::vector<Variable>& inputs,
                         std::function<void(const Tensor& grad)> backward);

 private:
  struct Node;
  explicit Variable(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  static std::vector<std::shared_ptr<Node>> order_from(const std::shared_ptr<Node>& root);

  std::shared_ptr<Node> node_;
};

inline std::ostream& operator<<(std::ostream& stream, const Variable& x) {
  return stream << x.value();
}

// While it lives, operations of this thread are not recorded: for evaluation and manual updates.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;
};

}  // namespace d2l
