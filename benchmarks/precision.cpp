// bench-precision [model] [batch] [threads] [rounds] [HxWxC] [part of a side's name]: alternating
// training steps of a network in f32 and in bf16, with each bf16 multiplication that this machine
// supports (bf16_products.h). Examples per second of wall-clock time and of processor time, which
// other programs disturb less: medians over the rounds and their range.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "framework/autograd/softmax.h"
#include "framework/backend/bf16_products.h"
#include "framework/base/timer.h"
#include "framework/optim/optimizer.h"
#include "framework/tensor/create.h"
#include "models/zoo.h"

namespace {

using namespace d2l;

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Subject {
  std::string model;
  int64_t batch;
  Shape input;  // h, w, c
};

// A network trained on one batch of random images.
class Side {
 public:
  Side(Backend& backend, const Subject& subject, std::string name, DType activations,
       cpu::Bf16Products products)
      : name_(std::move(name)), batch_(subject.batch), products_(products) {
    model_ = models::build_model(subject.model, {.input = subject.input});
    parameters_ = std::make_unique<nn::ParameterSet>(*model_, backend, 1);
    optimizer_ = make_sgd(*parameters_, {});
    const Shape& in = subject.input;
    bytes_ = uniform(backend, {batch_, in[0], in[1], in[2]}, {.seed = 2}, 0, 255).cast(DType::u8);
    images_ = Tensor(backend, bytes_.shape(), activations);
    labels_ = zeros(backend, {batch_}, DType::i64);
  }

  void round(int64_t steps) {
    const cpu::ForcedBf16Products forced(products_);
    step();  // the caches hold the other sides' data
    const Timer timer;
    const double before = processor_seconds();
    for (int64_t i = 0; i < steps; ++i) step();
    const auto examples = static_cast<double>(steps * batch_);
    by_processor_.push_back(examples / (processor_seconds() - before));
    by_clock_.push_back(examples / timer.seconds());
  }

  void print(const Side& f32) const {
    const auto [least, most] = std::minmax_element(by_clock_.begin(), by_clock_.end());
    std::printf("%-16s %10.1f (%.1f to %.1f) %6.3f   %10.1f %6.3f\n", name_.c_str(),
                median(by_clock_), *least, *most, median(by_clock_) / median(f32.by_clock_),
                median(by_processor_), median(by_processor_) / median(f32.by_processor_));
  }

  // The number of steps that take about `seconds`.
  int64_t steps_in(double seconds) {
    round(1);
    const auto per_second = by_clock_.back() / static_cast<double>(batch_);
    by_clock_.clear(), by_processor_.clear();
    return std::max<int64_t>(1, static_cast<int64_t>(seconds * per_second));
  }

 private:
  void step() {
    Backend& backend = images_.backend();
    backend.prepare_images({}, {.x = bytes_.view(), .samples = {}, .mean = {}, .deviation = {}},
                           images_.view());
    parameters_->zero_grad();
    const Variable scores = (*model_)(Variable(images_), {.training = true});
    cross_entropy(scores, labels_)
        .losses.backward(full(backend, {batch_}, 1 / static_cast<double>(batch_)));
    optimizer_->step(0.01);
  }

  std::string name_;
  int64_t batch_;
  cpu::Bf16Products products_;
  std::unique_ptr<nn::Module> model_;
  std::unique_ptr<nn::ParameterSet> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  Tensor bytes_, images_, labels_;
  std::vector<double> by_clock_, by_processor_;
};

Shape parse_input(const char* text) {
  int h = 0, w = 0, c = 0;
  check(std::sscanf(text, "%dx%dx%d", &h, &w, &c) == 3, "expected HxWxC, found ", text);
  return {h, w, c};
}

void compare(const Subject& subject, int threads, int64_t rounds, const std::string& part) {
  using cpu::Bf16Products;
  constexpr double kSeconds = 0.2;  // of a round
  const std::unique_ptr<Backend> backend = make_cpu_backend(threads);
  std::vector<Side> sides;
  sides.reserve(4);
  const auto add = [&](const char* name, DType activations, Bf16Products products) {
    if (std::string(name).find(part) != std::string::npos)
      sides.emplace_back(*backend, subject, name, activations, products);
  };
  add("f32", DType::f32, Bf16Products::f32);
  if (cpu::this_processor().has_tiles) add("bf16 in tiles", DType::bf16, Bf16Products::tiles);
  if (cpu::this_processor().has_pairs) add("bf16 in pairs", DType::bf16, Bf16Products::pairs);
  add("bf16 widened", DType::bf16, Bf16Products::f32);
  const int64_t steps = sides[0].steps_in(kSeconds);
  for (Side& side : sides) side.round(1), side.steps_in(0);
  for (int64_t i = 0; i < rounds; ++i)
    for (Side& side : sides) side.round(steps);
  std::printf("%s, batch %ld of %s; %s; %ld rounds of %ld steps; %s\n%-16s %s\n",
              subject.model.c_str(), static_cast<long>(subject.batch),
              subject.input.to_string().c_str(), backend->describe().c_str(),
              static_cast<long>(rounds), static_cast<long>(steps),
              cpu::describe_bf16_products().c_str(), "",
              "examples/s (range), / f32; per second of processor time, / f32");
  for (const Side& side : sides) side.print(sides[0]);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string model = argc > 1 ? argv[1] : "lenet";
  const int64_t batch = argc > 2 ? std::atoi(argv[2]) : 256;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 1;
  const int64_t rounds = argc > 4 ? std::atoi(argv[4]) : 15;
  const Shape input = argc > 5 ? parse_input(argv[5]) : models::usual_options(model).input;
  compare({model, batch, input}, threads, rounds, argc > 6 ? argv[6] : "");
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
