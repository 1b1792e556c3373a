// Chapter 6.5: maximum and average pooling, with padding and stride, over channels.
//     build/release/examples/ch06/pooling

#include <d2l.h>

using namespace d2l;

Tensor pool2d_by_hand(const Tensor& x, int64_t h, int64_t w, Pooling kind) {
  Tensor y = zeros({x.size(0) - h + 1, x.size(1) - w + 1});
  for (int64_t i = 0; i < y.size(0); ++i)
    for (int64_t j = 0; j < y.size(1); ++j) {
      const Tensor window = x(range(i, i + h), range(j, j + w));
      y(i, j) = kind == Pooling::max ? max(window) : mean(window);
    }
  return y;
}

int main() {
  const Tensor x = arange(9).reshape({3, 3});
  print("maximum:", pool2d_by_hand(x, 2, 2, Pooling::max));
  print("average:", pool2d_by_hand(x, 2, 2, Pooling::average));

  // Images are [n, h, w, c].
  const Tensor image = arange(16).reshape({1, 4, 4, 1});
  const auto pooled = [&](const Pool2dParams& params) {
    return pool2d(image, params).value()(0, all, all, 0);
  };
  print("windows of 3 x 3:", pooled({.window = {3, 3}, .stride = {3, 3}}));
  print("padding 1, stride 2:", pooled({.window = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}));
  print("2 x 3, stride 2 x 3, padding 0 x 1:",
        pooled({.window = {2, 3}, .stride = {2, 3}, .padding = {0, 1}}));

  const Tensor channels = concat({image, image + 1}, -1);
  const Tensor y =
      pool2d(channels, {.window = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}).value();
  print("two channels:", y(0, all, all, 0), y(0, all, all, 1));
}
