// Chapters 5.1 and 5.2: blocks made of blocks; parameters by name, initialised and shared.
//     build/release/examples/ch05/blocks

#include <d2l.h>

using namespace d2l;

class Mlp final : public nn::Module {
 public:
  Mlp()
      : hidden_(add<nn::Linear>("hidden", 20, 256, Activation::relu)),
        output_(add<nn::Linear>("output", 256, 10)) {}

  Variable forward(const Variable& x, const nn::Context& context) override {
    return (*output_)((*hidden_)(x, context), context);
  }

 private:
  std::shared_ptr<nn::Linear> hidden_, output_;
};

// A constant weight, control flow, and one layer that is used twice.
class FixedHidden final : public nn::Module {
 public:
  explicit FixedHidden(Random& random)
      : weight_(random.uniform({20, 20})), linear_(add<nn::Linear>("linear", 20, 20)) {}

  Variable forward(const Variable& x, const nn::Context& context) override {
    Variable y = relu(matmul((*linear_)(x, context), weight_) + 1);
    y = (*linear_)(y, context);
    while (double(norm_l1(y.value())) > 1) y = y / 2;
    return sum(y);
  }

 private:
  Tensor weight_;
  std::shared_ptr<nn::Linear> linear_;
};

int main() {
  Random random(0);
  const Tensor x = random.uniform({2, 20});

  nn::Sequential net(nn::Linear(20, 256, Activation::relu), nn::Linear(256, 10));
  const nn::ParameterSet parameters(net);
  print("Sequential:", net(x).shape(), "from", parameters.count(), "parameters");
  Mlp mlp;
  const nn::ParameterSet of_mlp(mlp);
  print("a module of its own:", mlp(x).shape());

  nn::Sequential nested(Mlp(), nn::Linear(10, 20), FixedHidden(random));
  const nn::ParameterSet of_nested(nested);
  print("blocks in blocks:", nested(x));
  for (const auto& [name, tensor] : of_nested.named_tensors()) print(" ", name, tensor.shape());

  print("by name:", of_mlp["output.bias"]);
  nn::Sequential constant(
      nn::Linear(4, 1, Activation::none, {.weight = nn::constant(1), .bias = nn::constant(0)}));
  const nn::ParameterSet of_constant(constant);
  print("all ones:", of_constant["0.weight"], of_constant["0.bias"]);
  of_constant["0.weight"].value()(0, 0) = 42;
  print("one of them written:", of_constant["0.weight"]);

  const auto shared = std::make_shared<nn::Linear>(8, 8, Activation::relu);
  nn::Sequential twice;
  twice.then<nn::Linear>(4, 8, Activation::relu);
  twice.then_module("shared", shared).then_module("again", shared).then<nn::Linear>(8, 1);
  const nn::ParameterSet of_twice(twice);
  print("a shared layer counts once:", of_twice.count(), "parameters");
}
