// Chapters 7.1 to 7.6: AlexNet, VGG, NiN, GoogLeNet and ResNet by their builders, layer by layer.
// d2l-train --recipe NAME trains them as the book does.
//     build/release/examples/ch07/networks

#include <d2l.h>

using namespace d2l;

void show(const std::string& name, int64_t size) {
  const Shape image{size, size, 1};
  const auto net = models::build_model(name, {.input = image, .classes = 10});
  const nn::ParameterSet parameters(*net);
  print(name, "on", image, "has", parameters.count(), "parameters");
  const NoGrad no_grad;
  Variable x = Random(0).uniform(image.with_front(1));
  for (const auto& layer : net->children()) {
    x = (*layer.module)(x);
    print("  after", layer.name, x.shape());
  }
}

int main() {
  show("alexnet", 224);
  show("vgg11", 224);
  show("nin", 224);
  show("googlenet", 96);
  show("resnet18", 96);
}
