// bench-convolution-kernels batch threads size,in,out,kernel,stride,padding ...: all CPU kernels
// that support these convolutions, in order of preference (the backend uses the first): GFLOP/s by
// the definition, and the time relative to the first kernel. In f32 and in bf16 as this processor
// multiplies it. Medians of alternating runs.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/convolution_inputs.h"
#include "framework/backend/backend.h"
#include "framework/backend/convolution_choice.h"
#include "framework/base/timer.h"

namespace {

using namespace d2l;
using namespace d2l::bench;

class Bench {
 public:
  explicit Bench(int threads) : backend_(make_cpu_backend(threads)) {}

  void run(const ConvolutionCase& c, int64_t batch, DType dtype) {
    const Conv2dParams params{{c.stride, c.stride}, {c.padding, c.padding}};
    const View x = filled({batch, c.size, c.size, c.in}, dtype);
    const View y = filled({batch, c.out_size(), c.out_size(), c.out}, dtype);
    const View weight = filled({c.out, c.kernel, c.kernel, c.in}, DType::f32);
    const View bias = filled({c.out}, DType::f32);
    const ConvolutionShape shape(params, x, weight.shape, y.shape);
    const double flop = c.flop(batch) * 1e-9;
    const std::string name = concat(to_string(dtype), " ", c.name());
    compare(name + " forward", ConvolutionPass::forward, shape, flop, [&] {
      backend_->conv2d(params, {x, weight, bias}, y);
    });
    compare(name + " input gradient", ConvolutionPass::backward_input, shape, flop,
            [&] { backend_->conv2d_backward_input(params, y, weight, x, false); });
    compare(name + " weight gradient", ConvolutionPass::backward_weight, shape, flop,
            [&] { backend_->conv2d_backward_weight(params, x, y, weight, bias); });
    for (const View& view : {x, y, weight, bias}) backend_->pool().release(view.data);
  }

 private:
  template <class Call>
  void compare(const std::string& name, ConvolutionPass pass, const ConvolutionShape& shape,
               double giga_flop, const Call& call) {
    constexpr double kSpend = 0.5;
    constexpr int kFewest = 7, kMost = 100;
    const std::vector<std::string> kernels = cpu::convolution_kernels(pass, shape);
    std::vector<std::vector<double>> seconds(kernels.size());
    const Timer all;
    for (int i = 0; i < kFewest || (i < kMost && all.seconds() < kSpend); ++i)
      for (size_t k = 0; k < kernels.size(); ++k) {
        const cpu::ForcedConvolutionKernel forced(kernels[k]);
        call();  // loads its operands and code into the caches
        const Timer timer;
        call();
        seconds[k].push_back(timer.seconds());
      }
    std::printf("%-48s", name.c_str());
    double first = 0;
    for (size_t k = 0; k < kernels.size(); ++k) {
      auto middle = seconds[k].begin() + static_cast<int64_t>(seconds[k].size() / 2);
      std::nth_element(seconds[k].begin(), middle, seconds[k].end());
      if (k == 0) first = *middle;
      std::printf("  %s %.0f (%.2f)", kernels[k].c_str(), giga_flop / *middle, *middle / first);
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  View filled(const Shape& shape, DType dtype) {
    return bench::filled(*backend_, numbers_, shape, dtype);
  }

  std::unique_ptr<Backend> backend_;
  Numbers numbers_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    check(argc > 3, "expected batch threads size,in,out,kernel,stride,padding ...");
    const int64_t batch = parse_number("batch", argv[1]);
    Bench bench(static_cast<int>(parse_number("threads", argv[2])));
    for (int i = 3; i < argc; ++i)
      for (const DType dtype : {DType::f32, DType::bf16})
        bench.run(parse_case(argv[i]), batch, dtype);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-convolution-kernels: %s\n", error.what());
    return 1;
  }
  return 0;
}
