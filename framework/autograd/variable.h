#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

// A tensor with a gradient and a history: the tape of reverse-mode differentiation (chapter 2.5).
// Copying aliases. Operations on variables (the other headers of this folder) record themselves
// when one of their inputs requires a gradient and no NoGrad is alive.
class Variable {
 public:
  Variable() = default;
  explicit Variable(Tensor value, bool requires_grad = false);

  bool defined() const { return node_ != nullptr; }
  const Tensor& value() const;
  Tensor& value();
  const Shape& shape() const { return value().shape(); }
  Backend& backend() const { return value().backend(); }
  bool requires_grad() const;

  // The gradient that backward() left in a leaf. Throws Error when there is none.
  const Tensor& grad() const;
  bool has_grad() const;
  // Forgets the gradient; costs nothing, the next contribution overwrites.
  void zero_grad();

  // The same value without history: a constant for what follows.
  Variable detach() const;

  // Adds d(this)/d(leaf) to every leaf's gradient. Without an argument this must have one element.
  // `seed` is d(objective)/d(this), of the same shape. History is freed as the walk goes, so a
  // graph can be walked once.
  void backward();
  void backward(const Tensor& seed);

  // --- for parameters ---
  // The gradient shall live in `slot` (same shape): kernels write right into it.
  void bind_grad(Tensor slot);
  // Called during backward() when this leaf's last contribution has arrived.
  void on_grad_ready(std::function<void()> callback);

  // --- for operations ---
  // Gives this variable's gradient, which has the value's shape and dtype, a contribution. `write`
  // fills a tensor of these; it is called with the gradient's own memory when it is the first
  // contribution. Does nothing when no gradient is required.
  void contribute(const std::function<void(Tensor& out)>& write) const;
  // The same for a kernel that can add: it is called with the gradient's own memory each time.
  void contribute(const std::function<void(Tensor& out, bool accumulate)>& write) const;
  // The same with a finished tensor of any dtype, which may be adopted as the gradient's memory.
  void contribute(Tensor gradient) const;
  // Memory for a finished tensor, of the value's shape and dtype: the gradient's own if it has some
  // and this is the first contribution, so that nothing is copied.
  Tensor room() const;

  // The result of an operation on `inputs`. `backward` is given d(objective)/d(result), of value's
  // shape, and calls contribute() on the inputs; it is dropped when none of them requires a
  // gradient.
  static Variable result(Tensor value, const std::vector<Variable>& inputs,
                         std::function<void(const Tensor& grad)> backward);

 private:
  struct Node;
  explicit Variable(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  static std::vector<std::shared_ptr<Node>> order_from(const std::shared_ptr<Node>& root);

  std::shared_ptr<Node> node_;
};

// While one lives, operations of this thread are not recorded: evaluation, updates by hand.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;
};

}  // namespace d2l
