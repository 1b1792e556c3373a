// bench-convolution-peak [batch] [threads] [size,in,out,kernel,stride,padding ...]: GFLOP/s of
// every distinct convolution of the book's ResNet-18 on 96 x 96, or of the given ones, in f32 and
// bf16. Compares oneDNN's best time (tensors in its preferred format, images as N, H, W, C, or
// Winograd kernels if available) with d2l's kernel on the same shape. At the end, their total time
// in one training step. FLOP count as in the definition, so that Winograd kernels may exceed the
// machine's peak. No biases on either side.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "benchmarks/convolution_inputs.h"
#include "framework/backend/backend.h"
#include "framework/base/timer.h"

namespace {

using namespace d2l;
using Md = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
static_assert(DNNL_VERSION_MAJOR == 2, "this program speaks oneDNN 2");

struct Case : bench::ConvolutionCase {
  int64_t times = 1;  // how often it occurs in a training step
  bool input_gradient = true;
};

constexpr Case kCases[] = {
    {{96, 1, 64, 7, 2, 3}, 1, false}, {{24, 64, 64, 3, 1, 1}, 4},   {{24, 64, 128, 3, 2, 1}},
    {{24, 64, 128, 1, 2, 0}},         {{12, 128, 128, 3, 1, 1}, 3}, {{12, 128, 256, 3, 2, 1}},
    {{12, 128, 256, 1, 2, 0}},        {{6, 256, 256, 3, 1, 1}, 3},  {{6, 256, 512, 3, 2, 1}},
    {{6, 256, 512, 1, 2, 0}},         {{3, 512, 512, 3, 1, 1}, 3}};

enum MeasuredPass { forward, backward_input, backward_weight, kPasses };
constexpr const char* kPassNames[kPasses] = {"forward", "backward input", "backward weight"};

// Seconds of each pass; 0 if it is not needed.
struct Seconds {
  double of[kPasses] = {};
};

// The shortest of several repetitions.
template <class Call>
double best_seconds(const Call& call) {
  constexpr double kSpend = 0.3;
  constexpr int kMost = 200;
  for (int i = 0; i < 3; ++i) call();
  double best = 1e9, spent = 0;
  for (int i = 0; i < kMost && spent < kSpend; ++i) {
    Timer timer;
    call();
    const double seconds = timer.seconds();
    best = std::min(best, seconds);
    spent += seconds;
  }
  return best;
}

struct Setting {
  Tag images;
  dnnl::algorithm algorithm;
  bool may_be_missing = false;  // for some shapes and types
};
constexpr Setting kSettings[] = {{Tag::any, dnnl::algorithm::convolution_auto},
                                 {Tag::nhwc, dnnl::algorithm::convolution_auto},
                                 {Tag::any, dnnl::algorithm::convolution_winograd, true}};

// oneDNN alone, with its fastest memory formats.
class Vendor {
 public:
  Seconds best(const Case& c, int64_t batch, DType dtype) {
    Seconds best;
    for (const Setting& setting : kSettings) {
      Seconds found;
      try {
        time(c, batch, dtype, setting, found);
      } catch (const dnnl::error& error) {
        if (!setting.may_be_missing || error.status != dnnl_unimplemented) throw;
      }
      for (int pass = 0; pass < kPasses; ++pass)
        if (found.of[pass] > 0 && (best.of[pass] == 0 || found.of[pass] < best.of[pass]))
          best.of[pass] = found.of[pass];
    }
    return best;
  }

 private:
  using Arguments = std::unordered_map<int, dnnl::memory>;

  // The passes after one that oneDNN does not support stay 0.
  void time(const Case& c, int64_t batch, DType dtype, const Setting& setting, Seconds& found) {
    const Tag tag = setting.images;
    const dnnl::algorithm algorithm = setting.algorithm;
    const auto type =
        dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
    const Md x({batch, c.in, c.size, c.size}, type, tag);
    const Md weight({c.out, c.in, c.kernel, c.kernel}, type, Tag::any);
    const Md y({batch, c.out, c.out_size(), c.out_size()}, type, tag);
    const Md grad_weight(weight.dims(), dnnl::memory::data_type::f32, Tag::any);
    const dnnl::memory::dims stride{c.stride, c.stride}, padding{c.padding, c.padding};
    using Forward = dnnl::convolution_forward;
    using BackwardData = dnnl::convolution_backward_data;
    using BackwardWeights = dnnl::convolution_backward_weights;
    const Forward::primitive_desc ahead(
        {dnnl::prop_kind::forward_training, algorithm, x, weight, y, stride, padding, padding},
        engine_);
    found.of[forward] = run(Forward(ahead), {{DNNL_ARG_SRC, filled(ahead.src_desc())},
                                             {DNNL_ARG_WEIGHTS, filled(ahead.weights_desc())},
                                             {DNNL_ARG_DST, filled(ahead.dst_desc())}});
    if (c.input_gradient) {
      const BackwardData::primitive_desc back({algorithm, x, weight, y, stride, padding, padding},
                                              engine_, ahead);
      found.of[backward_input] =
          run(BackwardData(back), {{DNNL_ARG_DIFF_DST, filled(back.diff_dst_desc())},
                                   {DNNL_ARG_WEIGHTS, filled(back.weights_desc())},
                                   {DNNL_ARG_DIFF_SRC, filled(back.diff_src_desc())}});
    }
    const BackwardWeights::primitive_desc back(
        {algorithm, x, grad_weight, y, stride, padding, padding}, engine_, ahead);
    found.of[backward_weight] =
        run(BackwardWeights(back), {{DNNL_ARG_SRC, filled(back.src_desc())},
                                    {DNNL_ARG_DIFF_DST, filled(back.diff_dst_desc())},
                                    {DNNL_ARG_DIFF_WEIGHTS, filled(back.diff_weights_desc())}});
  }

  double run(const dnnl::primitive& primitive, const Arguments& arguments) {
    return best_seconds([&] {
      primitive.execute(stream_, arguments);
      stream_.wait();
    });
  }

  dnnl::memory filled(const Md& description) {
    dnnl::memory made(description, engine_);
    const size_t bytes = description.get_size();
    if (description.data_type() == dnnl::memory::data_type::f32) {
      auto* numbers = static_cast<float*>(made.get_data_handle());
      for (size_t i = 0; i < bytes / sizeof(float); ++i) numbers[i] = numbers_.next();
      return made;
    }
    auto* numbers = static_cast<uint16_t*>(made.get_data_handle());
    for (size_t i = 0; i < bytes / sizeof(uint16_t); ++i) {
      const float number = numbers_.next();
      uint32_t bits = 0;
      std::memcpy(&bits, &number, sizeof bits);
      numbers[i] = static_cast<uint16_t>(bits >> 16);
    }
    return made;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  bench::Numbers numbers_;
};

// d2l's kernels: images N, H, W, C; weights and their gradients always f32.
class Own {
 public:
  explicit Own(int threads) : backend_(make_cpu_backend(threads)) {}

  std::string describe() const { return backend_->describe(); }

  Seconds best(const Case& c, int64_t batch, DType dtype) {
    const View x = filled({batch, c.size, c.size, c.in}, dtype);
    const View weight = filled({c.out, c.kernel, c.kernel, c.in}, DType::f32);
    const View y = filled({batch, c.out_size(), c.out_size(), c.out}, dtype);
    const Conv2dParams params{{c.stride, c.stride}, {c.padding, c.padding}};
    Seconds found;
    found.of[forward] = best_seconds([&] { backend_->conv2d(params, {x, weight, {}}, y); });
    if (c.input_gradient)
      found.of[backward_input] =
          best_seconds([&] { backend_->conv2d_backward_input(params, y, weight, x, false); });
    found.of[backward_weight] =
        best_seconds([&] { backend_->conv2d_backward_weight(params, x, y, weight, {}); });
    for (const View& view : {x, weight, y}) backend_->pool().release(view.data);
    return found;
  }

 private:
  View filled(const Shape& shape, DType dtype) {
    return bench::filled(*backend_, numbers_, shape, dtype);
  }

  std::unique_ptr<Backend> backend_;
  bench::Numbers numbers_;
};

// One line per pass: GFLOP/s of oneDNN and d2l, in f32, then in bf16. Sums the time of a step.
class Table {
 public:
  struct Column {
    const char* name;
    double step = 0;  // seconds of all convolutions of a training step
  };

  Table() {
    std::printf("%-34s %-16s", "convolution, GFLOP/s", "pass");
    for (const Column& column : columns_) std::printf(" %12s", column.name);
    std::printf("\n");
  }

  // `found` has one entry per column.
  void add(const Case& c, int64_t batch, const Seconds (&found)[4]) {
    for (int pass = 0; pass < kPasses; ++pass) {
      if (found[0].of[pass] == 0) continue;
      std::printf("%-34s %-16s", concat(c.times, " x ", c.name()).c_str(), kPassNames[pass]);
      for (int i = 0; i < 4; ++i) {
        const double seconds = found[i].of[pass];
        columns_[i].step += static_cast<double>(c.times) * seconds;
        std::printf(" %12.1f", c.flop(batch) / seconds * 1e-9);
      }
      std::printf("\n");
      flop_ += static_cast<double>(c.times) * c.flop(batch);
    }
    std::fflush(stdout);
  }

  void print_step() const {
    print_row("ms", [](const Column& column) { return column.step * 1e3; });
    print_row("GFLOP/s", [this](const Column& column) { return flop_ / column.step * 1e-9; });
  }

 private:
  template <class Value>
  void print_row(const char* unit, const Value& value) const {
    std::printf("%-34s %-16s", "all convolutions of a step", unit);
    for (const Column& column : columns_) std::printf(" %12.1f", value(column));
    std::printf("\n");
  }

  Column columns_[4] = {{"oneDNN f32"}, {"d2l f32"}, {"oneDNN bf16"}, {"d2l bf16"}};
  double flop_ = 0;
};

void compare(std::span<const Case> cases, int64_t batch, int threads) {
  Own own(threads);  // it also sets the number of oneDNN's threads
  Vendor vendor;
  std::printf("%s; batch %lld, each the best of several repetitions\n", own.describe().c_str(),
              static_cast<long long>(batch));
  Table table;
  for (const Case& c : cases)
    table.add(c, batch,
              {vendor.best(c, batch, DType::f32), own.best(c, batch, DType::f32),
               vendor.best(c, batch, DType::bf16), own.best(c, batch, DType::bf16)});
  table.print_step();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int64_t batch = argc > 1 ? bench::parse_number("batch", argv[1]) : 64;
    const int64_t threads = argc > 2 ? bench::parse_number("threads", argv[2]) : 2;
    std::vector<Case> cases;
    for (int i = 3; i < argc; ++i) {
      const bench::ConvolutionCase shape = bench::parse_case(argv[i]);
      cases.push_back({shape, 1, shape.in > 3});
    }
    if (cases.empty()) cases.assign(std::begin(kCases), std::end(kCases));
    compare(cases, batch, static_cast<int>(threads));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-convolution-peak: %s\n", error.what());
    return 1;
  }
  return 0;
}
