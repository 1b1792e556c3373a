// Chapter 7.6: a residual block of one's own, and ResNet-18 made of blocks.
//     build/release/examples/ch07/residual

#include <d2l.h>

using namespace d2l;

class Residual final : public nn::Module {
 public:
  Residual(int64_t in, int64_t out, int64_t stride = 1)
      : conv1_(add<nn::Conv2d>("conv1", in, out, convolution(3, stride))),
        norm1_(add<nn::BatchNorm>("norm1", out)),
        conv2_(add<nn::Conv2d>("conv2", out, out, convolution(3, 1))),
        norm2_(add<nn::BatchNorm>("norm2", out)) {
    if (stride > 1 || in != out) conv3_ = add<nn::Conv2d>("conv3", in, out, convolution(1, stride));
  }

  Variable forward(const Variable& x, const nn::Context& context) override {
    const Variable y = relu((*norm1_)((*conv1_)(x, context), context));
    const Variable shortcut = conv3_ ? (*conv3_)(x, context) : x;
    return relu((*norm2_)((*conv2_)(y, context), context) + shortcut);
  }

 private:
  static nn::Conv2d::Options convolution(int64_t kernel, int64_t stride) {
    return {.kernel = kernel, .stride = stride, .padding = kernel / 2};
  }

  std::shared_ptr<nn::Conv2d> conv1_;
  std::shared_ptr<nn::BatchNorm> norm1_;
  std::shared_ptr<nn::Conv2d> conv2_;
  std::shared_ptr<nn::BatchNorm> norm2_;
  std::shared_ptr<nn::Conv2d> conv3_;
};

int main() {
  const Tensor x = Random(0).uniform({4, 6, 6, 3});
  Residual same(3, 3), halved(3, 6, 2);
  const nn::ParameterSet of_same(same), of_halved(halved);
  print("same size:", same(x).shape());
  print("half the size, twice the channels:", halved(x).shape());

  nn::Sequential net(nn::Conv2d(1, 64, {.kernel = 7, .stride = 2, .padding = 3}),
                     nn::BatchNorm(64, {.activation = Activation::relu}),
                     nn::Pool2d(Pooling::max, 3, 2, 1));
  for (const int64_t channels : {64, 128, 256, 512}) {
    net.then<Residual>(std::max<int64_t>(channels / 2, 64), channels, channels > 64 ? 2 : 1);
    net.then<Residual>(channels, channels);
  }
  net.then<nn::GlobalAveragePool>().then<nn::Linear>(512, 10);
  const nn::ParameterSet parameters(net);
  print("ResNet-18:", parameters.count(), "parameters, result", net(ones({2, 96, 96, 1})).shape());
}
