// bench-kernels [threads] [batch] [part of a name] [f32 or bf16] [cpu or cuda]: milliseconds,
// GFLOP/s and GB/s of kernels, each the best of several repetitions; GB/s count each operand once.
// On the CPU, the kernels that determine the speed of small networks; on a GPU, the batch norms of
// ResNet-50.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "framework/backend/cuda_module.h"
#include "framework/backend/profiler.h"
#include "framework/base/timer.h"

namespace {

using namespace d2l;

struct BenchOptions {
  int threads = 2;
  std::string part;  // of the names of the kernels to time
  DType activations = DType::f32;
  bool on_gpu = false;
};

class Bench {
 public:
  explicit Bench(const BenchOptions& options)
      : activations(options.activations),
        made_(options.on_gpu ? make_cuda_backend({}) : make_cpu_backend(options.threads)),
        backend_(*made_),
        profiler_(backend_),
        part_(options.part),
        calls_(options.on_gpu ? 10 : 1) {
    profiler_.set_counting(false);
    std::printf("%s\n%-48s %9s %9s %9s\n", backend_.describe().c_str(), "kernel", "ms", "GFLOP/s",
                "GB/s");
  }
  ~Bench() {
    for (void* block : blocks_) backend_.pool().release(block);
  }

  Backend& backend() { return backend_; }
  // An activation between layers.
  View image(const Shape& shape) {
    const View numbers = array(shape);
    if (activations == DType::f32) return numbers;
    View made{backend_.pool().allocate(2 * static_cast<size_t>(shape.elements())), activations,
              shape};
    blocks_.push_back(made.data);
    backend_.copy(strided(numbers), strided(made), false);
    return made;
  }

  const DType activations;

  // Numbers in [-1, 1).
  View array(const Shape& shape, DType dtype = DType::f32) {
    View made{nullptr, dtype, shape};
    made.data = backend_.pool().allocate(static_cast<size_t>(made.bytes()));
    blocks_.push_back(made.data);
    if (dtype != DType::f32) {
      backend_.fill(made, 0);
      return made;
    }
    std::vector<float> values(static_cast<size_t>(made.elements()));
    for (float& value : values) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      value = static_cast<float>(state_ >> 40) / 8388608.0f - 1.0f;
    }
    backend_.copy_from_host(values.data(), made);
    return made;
  }

  template <class Call>
  void time(const std::string& name, const Call& call) {
    if (name.find(part_) == std::string::npos) return;
    const auto [flop, bytes] = work_of(call);
    for (int i = 0; i < 3; ++i) call();
    backend_.synchronize();
    double best = 1e9, spent = 0;
    for (int i = 0; i < 2000 && spent < 0.3; ++i) {
      Timer timer;
      for (int k = 0; k < calls_; ++k) call();
      backend_.synchronize();
      double seconds = timer.seconds() / calls_;
      best = std::min(best, seconds);
      spent += seconds * calls_;
    }
    total_ += best;
    std::printf("%-48s %9.3f %9.1f %9.1f\n", name.c_str(), best * 1e3, flop / best * 1e-9,
                bytes / best * 1e-9);
  }

  void total(const char* name) {
    std::printf("%-48s %9.3f\n\n", name, total_ * 1e3);
    total_ = 0;
  }

 private:
  struct Amounts {
    double flop = 0, bytes = 0;
  };
  template <class Call>
  Amounts work_of(const Call& call) {
    profiler_.reset();
    profiler_.set_counting(true);
    call();
    profiler_.set_counting(false);
    Amounts all;
    for (const Cost& cost : profiler_.costs()) {
      all.flop += 2 * static_cast<double>(cost.multiply_adds);
      all.bytes += static_cast<double>(cost.bytes);
    }
    return all;
  }

  std::unique_ptr<Backend> made_;
  Backend& backend_;
  Profiler profiler_;
  std::string part_;
  int calls_;  // between two synchronisations
  std::vector<void*> blocks_;
  uint64_t state_ = 1;
  double total_ = 0;
};

struct ConvolutionCase {
  int64_t batch, size, in, out, kernel, stride, padding;
  Activation activation = Activation::none;
  bool input_gradient = true;
};

void convolution(Bench& bench, const ConvolutionCase& c) {
  int64_t out_size = (c.size + 2 * c.padding - c.kernel) / c.stride + 1;
  Conv2dParams params{{c.stride, c.stride}, {c.padding, c.padding}, c.activation};
  View x = bench.image({c.batch, c.size, c.size, c.in});
  View weight = bench.array({c.out, c.kernel, c.kernel, c.in});
  View bias = bench.array({c.out});
  View y = bench.image({c.batch, out_size, out_size, c.out});
  View grad_y = bench.image(y.shape), grad_x = bench.image(x.shape);
  View grad_weight = bench.array(weight.shape), grad_bias = bench.array(bias.shape);
  std::string name = concat(c.in, "->", c.out, " ", c.kernel, "x", c.kernel, " s", c.stride, " p",
                            c.padding, " on ", c.size, "x", c.size, " n", c.batch);
  Backend& b = bench.backend();
  bench.time("conv forward " + name, [&] { b.conv2d(params, {x, weight, bias}, y); });
  if (c.input_gradient)
    bench.time("conv backward input " + name,
               [&] { b.conv2d_backward_input(params, grad_y, weight, grad_x, false); });
  bench.time("conv backward weight " + name,
             [&] { b.conv2d_backward_weight(params, x, grad_y, grad_weight, grad_bias); });
}

void pooling(Bench& bench, const Pool2dParams& params, const Shape& shape) {
  View x = bench.image(shape), grad_x = bench.image(shape);
  auto side = [](int64_t size, int64_t window, int64_t stride, int64_t padding) {
    return (size + 2 * padding - window) / stride + 1;
  };
  Shape out{
      shape[0], side(shape[1], params.window.height, params.stride.height, params.padding.height),
      side(shape[2], params.window.width, params.stride.width, params.padding.width), shape[3]};
  View y = bench.image(out), grad_y = bench.image(out), winners = bench.array(out, DType::u8);
  Backend& b = bench.backend();
  std::string name =
      concat(params.kind == Pooling::max ? "max" : "average", " pool ", params.window.height, "x",
             params.window.width, " s", params.stride.height, " ", shape.to_string());
  bench.time(name + " forward", [&] { b.pool2d(params, x, y, winners); });
  bench.time(name + " backward", [&] { b.pool2d_backward(params, grad_y, winners, grad_x); });
}

void product(Bench& bench, const Shape& a_shape, const Shape& b_shape, const MatmulParams& params,
             bool with_bias) {
  int64_t m = params.transpose_a ? a_shape[1] : a_shape[0];
  int64_t n = params.transpose_b ? b_shape[0] : b_shape[1];
  View a = bench.array(a_shape), b = bench.array(b_shape), out = bench.array({m, n});
  View bias = with_bias ? bench.array({n}) : View{};
  std::string name = concat("matmul ", a_shape, params.transpose_a ? "^T" : "", " x ", b_shape,
                            params.transpose_b ? "^T" : "");
  bench.time(name, [&] { bench.backend().matmul(params, a, b, bias, out); });
}

// A fully connected layer: forward and both gradients.
void linear(Bench& bench, int64_t batch, int64_t in, int64_t out, bool input_gradient) {
  product(bench, {batch, in}, {out, in}, {.transpose_b = true, .activation = Activation::relu},
          true);
  if (input_gradient) product(bench, {batch, out}, {out, in}, {}, false);
  product(bench, {batch, out}, {batch, in}, {.transpose_a = true}, false);
}

void batch_norm(Bench& bench, const Shape& shape) {
  Shape c{shape.size(-1)};
  View x = bench.image(shape), y = bench.image(shape), grad_y = bench.image(shape);
  View grad_x = bench.image(shape), gamma = bench.array(c), beta = bench.array(c),
       mean = bench.array(c);
  View variance = bench.array(c), grad_gamma = bench.array(c), grad_beta = bench.array(c);
  Backend& b = bench.backend();
  const BatchNormParams params{.activation = Activation::relu};
  const Backend::NormOperands in{x, gamma, beta, {}};
  bench.time(concat("batch norm and ReLU ", shape, " forward"), [&] {
    b.batch_norm_statistics(x, {mean, variance}, {});
    b.batch_norm_apply(params, in, {mean, variance}, y, {});
  });
  const Backend::NormGradients gradients{grad_x, grad_gamma, grad_beta, {}, 1000};
  bench.time(concat("batch norm and ReLU ", shape, " backward"), [&] {
    b.batch_norm_gradient_sums(params, in, {mean, variance}, {y, grad_y}, gradients);
    b.batch_norm_gradient_input(params, in, {mean, variance}, {y, grad_y}, gradients);
  });
}

void small_networks(Bench& bench, int64_t batch) {
  convolution(bench, {batch, 28, 1, 6, 5, 1, 2, Activation::sigmoid, false});
  pooling(bench, {.kind = Pooling::average}, {batch, 28, 28, 6});
  convolution(bench, {batch, 14, 6, 16, 5, 1, 0, Activation::sigmoid});
  pooling(bench, {.kind = Pooling::average}, {batch, 10, 10, 16});
  linear(bench, batch, 400, 120, true);
  linear(bench, batch, 120, 84, true);
  linear(bench, batch, 84, 10, true);
  bench.total("LeNet, one step");

  linear(bench, batch, 784, 256, false);
  linear(bench, batch, 256, 10, true);
  bench.total("perceptron 784-256-10, one step");

  for (int64_t side : {24, 12, 6, 3}) {
    const int64_t channels = 64 * 24 / side;
    convolution(bench, {batch / 4, side, channels, channels, 3, 1, 1});
    if (side > 3) convolution(bench, {batch / 4, side, channels, 2 * channels, 3, 2, 1});
    if (side > 3) convolution(bench, {batch / 4, side, channels, 2 * channels, 1, 2, 0});
  }
  convolution(bench, {batch / 4, 96, 1, 64, 7, 2, 3, Activation::none, false});
  bench.total("convolutions of ResNet-18 on 96 x 96, the first of each kind");
  for (int64_t side : {32, 16, 8})
    convolution(bench, {batch / 2, side, 512 / side, 512 / side, 3, 1, 1});
  bench.total("convolutions of ResNet-20 on 32 x 32, the first of each kind");
  convolution(bench, {batch / 4, 26, 96, 256, 5, 1, 2});
  convolution(bench, {batch / 4, 12, 256, 384, 3, 1, 1});
  convolution(bench, {batch / 4, 56, 64, 64, 3, 1, 1});
  convolution(bench, {batch / 4, 14, 128, 128, 3, 1, 1});
  convolution(bench, {batch / 4, 6, 96, 208, 3, 1, 1});
  convolution(bench, {batch / 4, 12, 512, 160, 1, 1, 0});

  product(bench, {1024, 1024}, {1024, 1024}, {}, false);
  pooling(bench, {}, {batch, 28, 28, 6});
  pooling(bench, {}, {batch / 4, 28, 28, 64});
  pooling(bench, {.window = {3, 3}, .padding = {1, 1}}, {batch / 4, 48, 48, 64});
  pooling(bench, {.window = {3, 3}, .stride = {1, 1}, .padding = {1, 1}}, {batch / 4, 12, 12, 512});
  batch_norm(bench, {batch, 28, 28, 6});
  batch_norm(bench, {batch / 4, 28, 28, 64});
  batch_norm(bench, {batch / 4, 48, 48, 64});
  convolution(bench, {batch / 8, 32, 3, 64, 3, 1, 1, Activation::relu, false});
  convolution(bench, {batch / 8, 32, 16, 16, 3, 1, 1, Activation::relu});
  convolution(bench, {batch / 8, 32, 64, 64, 3, 1, 1, Activation::relu});
  convolution(bench, {batch / 8, 32, 64, 64, 1, 1, 0, Activation::relu});
  convolution(bench, {batch / 32, 112, 3, 64, 7, 2, 3, Activation::relu, false});
  convolution(bench, {batch / 32, 112, 3, 96, 11, 4, 1, Activation::relu, false});
  convolution(bench, {batch / 8, 12, 20, 50, 5, 1, 0, Activation::relu});
}

// Each size once.
void norms_of_resnet50(Bench& bench, int64_t batch) {
  for (const auto& [side, channels] :
       {std::pair(112, 64), {56, 64}, {56, 256}, {28, 512}, {14, 1024}, {7, 2048}})
    batch_norm(bench, {batch, side, side, channels});
}

}  // namespace

int main(int argc, char** argv) {
  const auto word = [&](int at, const char* otherwise) { return argc > at ? argv[at] : otherwise; };
  const bool on_gpu = word(5, "cpu") == std::string("cuda");
  const int64_t batch = std::atoi(word(2, "256"));
  try {
    Bench bench({.threads = std::atoi(word(1, "2")),
                 .part = word(3, ""),
                 .activations = dtype_from(word(4, "f32")),
                 .on_gpu = on_gpu});
    if (on_gpu)
      norms_of_resnet50(bench, batch);
    else
      small_networks(bench, batch);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-kernels: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
