#include "framework/weights/match.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "tests/support/support.h"

namespace d2l::weights::test {
namespace {

using d2l::test::message_of;

// A file in memory whose element i of each array is i.
class CountingFile final : public WeightFile {
 public:
  explicit CountingFile(const std::vector<std::pair<std::string, Shape>>& arrays,
                        Layout layout = Layout::channels_first)
      : WeightFile("file", "test", layout) {
    for (const auto& [name, shape] : arrays) add({name, ElementType::f32, shape});
  }

 private:
  std::vector<uint8_t> read_bytes(size_t index) const override {
    std::vector<float> values(static_cast<size_t>(weights()[index].shape.elements()));
    std::iota(values.begin(), values.end(), 0.0F);
    std::vector<uint8_t> bytes(values.size() * sizeof(float));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
};

// A convolution, a batch norm and two linear layers, of which the first reads a flattened image.
std::vector<ModelArray> network(int64_t inputs, int64_t classes) {
  return {{.name = "conv.weight", .shape = {4, 3, 3, inputs}, .reads_input = true},
          {.name = "bn.weight", .shape = {4}},
          {.name = "fc1.weight", .shape = {5, 24}, .image = {2, 3, 4}},
          {.name = "fc2.weight", .shape = {classes, 5}, .is_head = true},
          {.name = "fc2.bias", .shape = {classes}, .is_head = true},
          {.name = "bn.running_mean", .shape = {4}}};
}

// The same network with 3 input channels and 10 classes as a file of PyTorch.
std::vector<std::pair<std::string, Shape>> file_arrays(const std::string& prefix = "") {
  return {{prefix + "conv.weight", {4, 3, 3, 3}},
          {prefix + "bn.weight", {4}},
          {prefix + "bn.num_batches_tracked", {}},
          {prefix + "bn.running_mean", {4}},
          {prefix + "fc1.weight", {5, 24}},
          {prefix + "fc2.weight", {10, 5}},
          {prefix + "fc2.bias", {10}}};
}

TEST(Match, FindsAllArraysByName) {
  const auto arrays = network(3, 10);
  const CountingFile file(file_arrays());
  const Match found = match(arrays, file);
  EXPECT_EQ(found.prefix, "");
  EXPECT_EQ(found.loaded.size(), arrays.size());
  for (const ArrayPair& pair : found.loaded)
    EXPECT_EQ(arrays[pair.array].name, file.weights()[pair.weight].name);
  EXPECT_TRUE(found.fresh.empty() && found.mismatched.empty() && found.unused.empty());
  EXPECT_TRUE(found.fits_body(arrays));
}

TEST(Match, RemovesPrefixes) {
  for (const std::string prefix :
       {"module.", "state_dict.module.", "model.backbone.", "_orig_mod."}) {
    const Match found = match(network(3, 10), CountingFile(file_arrays(prefix)));
    EXPECT_EQ(found.prefix, prefix);
    EXPECT_EQ(found.loaded.size(), 6U);
  }
}

TEST(Match, PrefersAveragedWeights) {
  auto arrays = file_arrays("model.");
  for (const auto& array : file_arrays("model_ema.")) arrays.push_back(array);
  arrays.emplace_back("optimizer.state.0.exp_avg", Shape{4, 3, 3, 3});
  const Match found = match(network(3, 10), CountingFile(arrays));
  EXPECT_EQ(found.prefix, "model_ema.");
  EXPECT_EQ(found.loaded.size(), 6U);
  EXPECT_EQ(found.unused.size(), 7U);  // the other copy, without the counter, and the optimizer's
}

TEST(Match, OnlyTheHeadMayDiffer) {
  const CountingFile file(file_arrays());
  const auto two = network(3, 2);
  Match found = match(two, file);
  EXPECT_EQ(found.mismatched.size(), 2U);
  EXPECT_TRUE(found.fits_body(two));
  auto wide = network(3, 10);
  wide[1].shape = {8};
  found = match(wide, file);
  ASSERT_EQ(found.mismatched.size(), 1U);
  EXPECT_EQ(found.mismatched[0].array, 1U);
  EXPECT_FALSE(found.fits_body(wide));
  auto more = network(3, 10);
  more.push_back({.name = "bn.bias", .shape = {4}});
  found = match(more, file);
  EXPECT_EQ(found.fresh, std::vector<size_t>{6});
  EXPECT_FALSE(found.fits_body(more));
}

TEST(Match, NothingFitsAFileOfOtherNames) {
  const auto arrays = network(3, 10);
  const Match found = match(arrays, CountingFile({{"encoder.weight", {4}}}));
  EXPECT_EQ(found.fresh.size(), arrays.size());
  EXPECT_EQ(found.unused.size(), 1U);
  EXPECT_FALSE(found.fits_body(arrays));
}

TEST(Match, ConvolutionsGetTheirChannelsLast) {
  const ModelArray array{.name = "w", .shape = {2, 1, 3, 2}};  // out, height, width, in
  const CountingFile file({{"w", {2, 2, 1, 3}}});
  EXPECT_EQ(shape_in_file(array, Layout::channels_first), (Shape{2, 2, 1, 3}));
  const std::vector<float> values = read_array(array, file, 0);
  EXPECT_EQ(values, (std::vector<float>{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}));
  EXPECT_EQ(to_layout(array, values, Layout::channels_first), file.read(0));
}

TEST(Match, FlattenedImagesGetTheirChannelsLast) {
  const ModelArray array{.name = "w", .shape = {2, 6}, .image = {1, 3, 2}};
  const CountingFile file({{"w", {2, 6}}});
  const std::vector<float> values = read_array(array, file, 0);
  EXPECT_EQ(values, (std::vector<float>{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}));
  EXPECT_EQ(to_layout(array, values, Layout::channels_first), file.read(0));
}

TEST(Match, FilesOfD2lKeepTheirOrder) {
  const ModelArray array{.name = "w", .shape = {2, 1, 3, 2}};
  const CountingFile file({{"w", {2, 1, 3, 2}}}, Layout::channels_last);
  EXPECT_EQ(match({array}, file).loaded.size(), 1U);
  EXPECT_EQ(read_array(array, file, 0), file.read(0));
}

TEST(Match, AGreyNetworkSumsTheColours) {
  const ModelArray grey{.name = "w", .shape = {2, 1, 2, 1}, .reads_input = true};
  const CountingFile file({{"w", {2, 3, 1, 2}}});
  EXPECT_EQ(match({grey}, file).loaded.size(), 1U);
  EXPECT_EQ(read_array(grey, file, 0),
            (std::vector<float>{0 + 2 + 4, 1 + 3 + 5, 6 + 8 + 10, 7 + 9 + 11}));
  ModelArray inner = grey;
  inner.reads_input = false;
  EXPECT_EQ(match({inner}, file).mismatched.size(), 1U);
  EXPECT_EQ(message_of([&] { read_array(inner, file, 0); }),
            "file: expected w of shape [2, 1, 1, 2], found [2, 3, 1, 2]");
}

// Equal channels give the same output as before: the sum over the channels stays the same.
TEST(Match, MoreInputChannelsShareTheWeights) {
  const ModelArray four{.name = "w", .shape = {1, 1, 1, 4}, .reads_input = true};
  const CountingFile file({{"w", {1, 2, 1, 1}}});
  EXPECT_EQ(read_array(four, file, 0), (std::vector<float>{0, 0.5F, 0, 0.5F}));
}

}  // namespace
}  // namespace d2l::weights::test
