#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include "framework/tensor/create.h"
#include "framework/weights/safetensors.h"
#include "launcher/start_weights.h"
#include "models/zoo.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// --weights

namespace d2l::launcher::test {
namespace {

namespace fs = std::filesystem;
using namespace d2l::test;

std::vector<char> bytes_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Images of CIFAR-10's binary format, f32 [n, 32, 32, 3], normalised as the pretrained network
// expects them, and their labels.
struct Images {
  std::vector<float> pixels;
  std::vector<int> labels;
};

Images cifar_images(const fs::path& path) {
  constexpr size_t kPixels = 1024, kChannels = 3, kRecord = 1 + kPixels * kChannels;
  constexpr float kMean[] = {0.485F, 0.456F, 0.406F}, kDeviation[] = {0.229F, 0.224F, 0.225F};
  const std::vector<char> bytes = bytes_of(path);
  Images images;
  for (size_t begin = 0; begin + kRecord <= bytes.size(); begin += kRecord) {
    images.labels.push_back(bytes[begin]);
    for (size_t pixel = 0; pixel < kPixels; ++pixel)
      for (size_t c = 0; c < kChannels; ++c) {
        const auto value = static_cast<uint8_t>(bytes[begin + 1 + c * kPixels + pixel]);
        images.pixels.push_back((static_cast<float>(value) / 255 - kMean[c]) / kDeviation[c]);
      }
  }
  return images;
}

// The network with the weights of a file.
struct Network {
  explicit Network(const std::string& of_name, const models::ModelOptions& with = {})
      : name(of_name),
        options(with),
        module(models::build_model(name, options)),
        parameters(*module, cpu(), 1) {}
  std::string load(const fs::path& file) {
    return load_start_weights({file, name, options.input, [](const std::string&) {}}, parameters);
  }

  std::string name;
  models::ModelOptions options;
  std::unique_ptr<nn::Module> module;
  nn::ParameterSet parameters;
};

constexpr int64_t kImages = 1000, kClasses = 10;

class PretrainedNetwork : public testing::TestWithParam<const char*> {};

TEST_P(PretrainedNetwork, HasThePublishedLogits) {
  const fs::path data = data_dir(), folder = data / "pretrained" / "resnet20-cifar10";
  if (data.empty()) GTEST_SKIP() << kNoData;
  Network network("resnet20", {.input = {32, 32, 3}});
  network.load(folder / GetParam());
  const Images images = cifar_images(data / "cifar10" / "test_batch_first1000.bin");
  const std::vector<char> published =
      bytes_of(folder / "resnet20-12fca82f.logits_test_first1000.f32");
  std::vector<float> expected(kImages * kClasses);
  ASSERT_EQ(images.labels.size(), static_cast<size_t>(kImages));
  ASSERT_EQ(published.size(), expected.size() * sizeof(float));
  std::memcpy(expected.data(), published.data(), published.size());

  const NoGrad no_grad;
  const Tensor input = from_vector(cpu(), Shape{kImages, 32, 32, 3}, images.pixels);
  const std::vector<float> logits =
      (*network.module)(Variable(input), {}).value().to_vector<float>();
  float worst = 0;
  int right = 0;
  for (size_t i = 0; i < images.labels.size(); ++i) {
    const float* scores = logits.data() + i * kClasses;
    right += std::max_element(scores, scores + kClasses) - scores == images.labels[i];
    for (size_t k = i * kClasses; k < (i + 1) * kClasses; ++k)
      worst = std::max(worst, std::abs(logits[k] - expected[k]));
  }
  EXPECT_LT(worst, 1e-3F);
  EXPECT_EQ(right, 915);
}

INSTANTIATE_TEST_SUITE_P(Files, PretrainedNetwork,
                         testing::Values("resnet20-12fca82f.safetensors", "resnet20-12fca82f.th"),
                         [](const auto& file) {
                           return std::string(file.param).ends_with(".th") ? "th" : "safetensors";
                         });

// A file of safetensors with zeros of these shapes.
fs::path write_zeros(const fs::path& path,
                     const std::vector<std::pair<std::string, Shape>>& arrays) {
  std::vector<weights::WeightToWrite> written;
  for (const auto& [name, shape] : arrays)
    written.push_back({name, shape, [count = static_cast<size_t>(shape.elements())] {
                         return std::vector<float>(count);
                       }});
  weights::write_safetensors(path, written, {});
  return path;
}

std::vector<std::pair<std::string, Shape>> lenet_arrays() {
  return {{"conv1.weight", {6, 1, 5, 5}},  {"conv1.bias", {6}},
          {"conv2.weight", {16, 6, 5, 5}}, {"conv2.bias", {16}},
          {"fc1.weight", {120, 400}},      {"fc1.bias", {120}},
          {"fc2.weight", {84, 120}},       {"fc2.bias", {84}},
          {"fc3.weight", {10, 84}},        {"fc3.bias", {10}}};
}

TEST(StartWeights, ReportsWhatWasLoadedAndWhatWasNot) {
  const TemporaryFolder folder;
  auto arrays = lenet_arrays();
  arrays.emplace_back("teacher.weight", Shape{3});
  const fs::path file = write_zeros(folder.path() / "a.safetensors", arrays);
  Network network("lenet", {.classes = 2});
  EXPECT_EQ(
      network.load(file),
      concat("weights of ", file.string(), " (safetensors)\n",
             "  loaded     8: of the 10 arrays of lenet\n"
             "  new        0\n"
             "  unused     1: teacher.weight\n"
             "  mismatched 2: fc3.weight [2, 84] (in the file [10, 84]), fc3.bias [2] (in the "
             "file [10])"));
}

TEST(StartWeights, OfAnotherNetworkAreRefusedWithTheOneThatFits) {
  const TemporaryFolder folder;
  const fs::path file = write_zeros(folder.path() / "a.safetensors", lenet_arrays());
  Network network("bn-lenet");
  const std::vector<float> before = network.parameters.values().to_vector<float>();
  EXPECT_EQ(
      message_of([&] { network.load(file); }),
      concat(file.string(),
             ": expected the weights of bn-lenet, found 17 of 26 arrays that do not match: "
             "fc1.weight [120, 256] (in the file [120, 400]), bn1.weight [6] (not in the "
             "file), bn1.bias [6] (not in the file) and 14 more; the file fits --model lenet"));
  EXPECT_EQ(network.parameters.values().to_vector<float>(), before);
}

}  // namespace
}  // namespace d2l::launcher::test
