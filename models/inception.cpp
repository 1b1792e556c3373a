#include "models/inception.h"

#include "framework/autograd/arrange.h"

namespace d2l::models {
namespace {

struct Path final : nn::Sequential {
  Path(std::shared_ptr<nn::Module> first, std::shared_ptr<nn::Module> second) {
    add_child("0", std::move(first));
    add_child("1", std::move(second));
  }
};

}  // namespace

Inception::Inception(int64_t in, const Channels& c, const ConvMaker& conv, int64_t five_kernel) {
  add_child("branch1", conv(in, c.one, 1));
  add<Path>("branch2", conv(in, c.before_three, 1), conv(c.before_three, c.three, 3));
  add<Path>("branch3", conv(in, c.before_five, 1), conv(c.before_five, c.five, five_kernel));
  add<Path>("branch4", std::make_shared<nn::Pool2d>(Pooling::max, 3, 1, 1), conv(in, c.pooled, 1));
}

Variable Inception::forward(const Variable& x, const nn::Context& context) {
  std::vector<Variable> parts;
  for (const NamedModule& branch : children()) parts.push_back((*branch.module)(x, context));
  return concat(parts, 3);
}

}  // namespace d2l::models
