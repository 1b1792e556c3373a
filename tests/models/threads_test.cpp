#include <cmath>
#include <cstring>

#include "framework/autograd/softmax.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "tests/models/models_support.h"

namespace d2l::models::test {
namespace {

// Networks that only repeat the blocks of another one more often.
bool is_longer_variant(const std::string& name) {
  for (const char* longer :
       {"vgg19", "vgg19-bn", "resnet32", "resnet44", "resnet56", "resnet110", "tv-resnet34"})
    if (name == longer) return true;
  return false;
}

struct Trained {
  std::vector<float> values, buffers;
};

// After a step of plain SGD, with so many threads.
Trained train(const std::string& name, int threads, DType activations) {
  const auto backend = make_cpu_backend(threads, nullptr, CpuSums::same_on_any_threads);
  const ModelOptions options = least_options(name);
  constexpr int64_t kSamples = 5;
  const auto model = build_model(name, options);
  nn::ParameterSet set(*model, *backend, 1);
  const Tensor images =
      uniform(*backend, options.input.with_front(kSamples), {.seed = 2}).cast(activations);
  std::vector<int64_t> labels(kSamples);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int64_t>(i) % options.classes;
  const Tensor targets = from_vector(*backend, {kSamples}, labels);
  const Tensor step = full(*backend, {1}, 0, DType::i64);
  const nn::Context context{.training = true, .rng = {.seed = 1, .stream = 2}, .step = step};
  Variable losses = cross_entropy((*model)(Variable(images), context), targets).losses;
  set.zero_grad();
  losses.backward(full(*backend, {kSamples}, 1.0 / kSamples));
  axpby(-0.01, set.gradients(), 1, set.values());
  return {set.values().to_vector<float>(),
          set.buffers().defined() ? set.buffers().to_vector<float>() : std::vector<float>()};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class AnyNumberOfThreads : public testing::TestWithParam<DType> {};

// What --reproducible promises for every network.
TEST_P(AnyNumberOfThreads, GivesTheSameBits) {
  for (const std::string& name : model_names()) {
    if (is_large(name) || is_longer_variant(name)) continue;
    const Trained one = train(name, 1, GetParam());
    for (const float value : one.values) ASSERT_TRUE(std::isfinite(value)) << name;
    const Trained two = train(name, 2, GetParam());
    EXPECT_TRUE(same_bits(one.values, two.values)) << name;
    EXPECT_TRUE(same_bits(one.buffers, two.buffers)) << name;
  }
  make_cpu_backend(1);  // back to only the calling thread
}

INSTANTIATE_TEST_SUITE_P(Types, AnyNumberOfThreads, testing::Values(DType::f32, DType::bf16),
                         [](const auto& tested) { return to_string(tested.param); });

}  // namespace
}  // namespace d2l::models::test
