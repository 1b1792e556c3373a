// Chapter 5.5: tensors, lists, dictionaries and whole models are saved and loaded.
//     build/release/examples/ch05/saving [FOLDER [SEED]]

#include <d2l.h>

#include "examples/support/arguments.h"

using namespace d2l;

int main(int argc, char** argv) {
  const examples::Arguments arguments(argc, argv);

  const Tensor x = arange(4), y = zeros({4});
  save_tensors(arguments.file("x.safetensors"), {{"x", x}});
  print("a tensor:", load_tensors(arguments.file("x.safetensors")).at("x"));

  save_tensors(arguments.file("xy.safetensors"), {{"x", x}, {"y", y}});
  for (const auto& [name, tensor] : load_tensors(arguments.file("xy.safetensors")))
    print(name, tensor);

  const auto make_net = [] {
    return nn::Sequential(nn::Linear(20, 256, Activation::relu), nn::Linear(256, 10));
  };
  nn::Sequential net = make_net(), clone = make_net();
  const nn::ParameterSet parameters(net, 1);
  nn::ParameterSet of_clone(clone, 2);
  const Tensor input = Random(arguments.seed()).normal({2, 20});
  save_tensors(arguments.file("mlp.safetensors"), parameters.named_tensors());
  of_clone.copy_from(load_tensors(arguments.file("mlp.safetensors")));
  print("the model and its clone agree:", net(input).value() == clone(input).value());
}
