// Chapters 6.1 to 6.4: cross-correlation, an edge detector, a kernel that is learned, padding,
// stride and channels.
//     build/release/examples/ch06/convolutions

#include <d2l.h>

using namespace d2l;

// x [h, w], kernel [kh, kw]
Tensor corr2d(const Tensor& x, const Tensor& kernel) {
  const int64_t h = kernel.size(0), w = kernel.size(1);
  Tensor y = zeros({x.size(0) - h + 1, x.size(1) - w + 1});
  for (int64_t i = 0; i < y.size(0); ++i)
    for (int64_t j = 0; j < y.size(1); ++j)
      y(i, j) = sum(x(range(i, i + h), range(j, j + w)) * kernel);
  return y;
}

// x [c, h, w], kernel [c, kh, kw]
Tensor corr2d_of_channels(const Tensor& x, const Tensor& kernel) {
  Tensor y = corr2d(x(0), kernel(0));
  for (int64_t channel = 1; channel < x.size(0); ++channel)
    y += corr2d(x(channel), kernel(channel));
  return y;
}

// kernels [o, c, kh, kw]
Tensor corr2d_to_channels(const Tensor& x, const Tensor& kernels) {
  std::vector<Tensor> outputs;
  for (int64_t i = 0; i < kernels.size(0); ++i)
    outputs.push_back(corr2d_of_channels(x, kernels(i)));
  return stack(outputs);
}

int main() {
  const Tensor x = arange(9).reshape({3, 3}), kernel = arange(4).reshape({2, 2});
  print("cross-correlation:", corr2d(x, kernel));

  Tensor image = ones({6, 8});
  image(all, range(2, 6)) = 0;
  const Tensor edge = tensor({{1, -1}});
  const Tensor edges = corr2d(image, edge);
  print("edges:", edges);
  print("of the transposed image:", corr2d(transpose(image), edge));

  // Images are [n, h, w, c], kernels [out, h, w, in].
  Variable learned(Random(0).normal({1, 1, 2, 1}), true);
  const Tensor input = image.reshape({1, 6, 8, 1}), target = edges.reshape({1, 6, 7, 1});
  for (int step = 1; step <= 10; ++step) {
    Variable loss = sum(square(conv2d(input, learned) - target));
    loss.backward();
    learned.value() -= 3e-2 * learned.grad();
    learned.zero_grad();
    if (step % 2 == 0) print("step", step, "loss", loss);
  }
  print("learned kernel:", learned.value().reshape({1, 2}));

  const auto shape_after = [](nn::Module&& convolution) {
    const nn::ParameterSet parameters(convolution);
    return convolution(zeros({1, 8, 8, 1})).shape();
  };
  print("padding 1:", shape_after(nn::Conv2d(1, 1, {.kernel = 3, .padding = 1})));
  print("stride 2:", shape_after(nn::Conv2d(1, 1, {.kernel = 3, .stride = 2, .padding = 1})));

  const Tensor channels = stack({x, x + 1}), kernels = stack({kernel, kernel + 1});
  print("two input channels:", corr2d_of_channels(channels, kernels));
  print("three output channels:",
        corr2d_to_channels(channels, stack({kernels, kernels + 1, kernels + 2})));

  // A 1 x 1 convolution is a matrix product over the channels.
  Random random(0);
  const Tensor pixels = random.normal({1, 3, 3, 3}), weight = random.normal({2, 1, 1, 3});
  const Tensor by_convolution = conv2d(pixels, weight).value(),
               by_product = linear(pixels, weight.reshape({2, 3})).value();
  print("1 x 1 convolution and product differ by", sum(abs(by_convolution - by_product)));
}
