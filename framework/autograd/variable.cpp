#include "framework/autograd/variable.h"

#include <unordered_map>
#include <utility>

#include "framework/base/scope.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"

namespace d2l {
namespace {

thread_local int no_grad_depth = 0;

}  // namespace

struct Variable::Node {
  Tensor value;
  Tensor grad;  // if defined, has memory; valid only if has_grad
  bool has_grad = false;
  bool requires_grad = false;
  bool spent = false;  // backward() has visited it
  std::vector<std::shared_ptr<Node>> inputs;
  std::function<void(const Tensor&)> backward;
  const std::string* scope = nullptr;  // in which it was made
  std::function<void()> ready;
};

Variable::Variable(Tensor value, bool requires_grad) : node_(std::make_shared<Node>()) {
  node_->value = std::move(value);
  node_->requires_grad = requires_grad;
}

const Tensor& Variable::value() const {
  check(defined(), "this variable was never given a value");
  return node_->value;
}

Tensor& Variable::value() {
  check(defined(), "this variable was never given a value");
  return node_->value;
}

bool Variable::requires_grad() const { return node_ && node_->requires_grad; }

const Tensor& Variable::grad() const {
  check(has_grad(), "this variable has no gradient: backward() has not reached it");
  return node_->grad;
}

bool Variable::has_grad() const { return node_ && node_->has_grad; }

void Variable::zero_grad() {
  if (node_) node_->has_grad = false;
}

Variable Variable::detach() const { return Variable(value()); }

void Variable::bind_grad(Tensor slot) {
  check(slot.shape() == shape(), "gradient: expected shape ", shape(), ", found ", slot.shape());
  node_->grad = std::move(slot);
  node_->has_grad = false;
}

void Variable::on_grad_ready(std::function<void()> callback) {
  check(defined(), "this variable was never given a value");
  node_->ready = std::move(callback);
}

void Variable::contribute(const std::function<void(Tensor& out)>& write) const {
  if (!requires_grad()) return;
  Tensor out = contribution_memory();
  write(out);
  contribute(std::move(out));
}

void Variable::contribute(const std::function<void(Tensor& out, bool accumulate)>& write) const {
  if (requires_grad() && node_->has_grad) return write(node_->grad, true);
  contribute([&](Tensor& out) { write(out, false); });
}

Tensor Variable::contribution_memory() const {
  if (requires_grad() && !node_->has_grad && node_->grad.defined()) return node_->grad;
  return Tensor(backend(), shape(), value().dtype());
}

void Variable::contribute(Tensor gradient) const {
  if (!requires_grad()) return;
  check(gradient.shape() == shape(), "gradient: expected shape ", shape(), ", found ",
        gradient.shape());
  if (gradient.dtype() != value().dtype()) gradient = gradient.cast(value().dtype());
  if (node_->has_grad) {
    node_->grad += gradient;
  } else if (node_->grad.defined()) {
    node_->grad.copy_from(gradient);
  } else {
    node_->grad = std::move(gradient);
  }
  node_->has_grad = true;
}

Variable Variable::result(Tensor value, const std::vector<Variable>& inputs,
                          std::function<void(const Tensor& grad)> backward) {
  Variable output(std::move(value));
  if (no_grad_depth > 0) return output;
  for (const Variable& input : inputs) {
    if (!input.requires_grad()) continue;
    output.node_->requires_grad = true;
    output.node_->inputs.push_back(input.node_);
  }
  if (output.node_->requires_grad) {
    output.node_->backward = std::move(backward);
    output.node_->scope = current_scope().path;
  }
  return output;
}

// All nodes below `root`; each comes after all nodes that use it.
std::vector<std::shared_ptr<Variable::Node>> Variable::order_from(
    const std::shared_ptr<Node>& root) {
  std::unordered_map<Node*, int> uses;
  std::vector<Node*> stack{root.get()};
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    check(!node->spent,
          "backward() ran through this graph before and freed its history: compute the "
          "result again first");
    for (const auto& input : node->inputs)
      if (uses[input.get()]++ == 0) stack.push_back(input.get());
  }
  std::vector<std::shared_ptr<Node>> order{root};
  for (size_t at = 0; at < order.size(); ++at)
    for (size_t i = 0; i < order[at]->inputs.size(); ++i) {
      std::shared_ptr<Node> input = order[at]->inputs[i];
      if (--uses[input.get()] == 0) order.push_back(std::move(input));
    }
  return order;
}

void Variable::backward() {
  check(value().elements() == 1, "backward() without a seed needs one element, found shape ",
        shape());
  backward(ones_like(value()));
}

void Variable::backward(const Tensor& seed) {
  check(requires_grad(), "backward(): nothing here requires a gradient");
  std::vector<std::shared_ptr<Node>> order = order_from(node_);
  contribute(seed.clone());
  for (std::shared_ptr<Node>& node : order) {
    if (node->backward) {
      const ScopeGuard scope({.path = node->scope, .backward = true});
      if (node->has_grad) node->backward(node->grad);
      node->backward = nullptr;
      node->inputs.clear();
      node->grad = Tensor();
      node->has_grad = false;
      node->spent = true;
    } else if (node->ready) {
      node->ready();
    }
    node.reset();
  }
}

NoGrad::NoGrad() { ++no_grad_depth; }
NoGrad::~NoGrad() { --no_grad_depth; }

}  // namespace d2l
