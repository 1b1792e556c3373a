#include "framework/weights/match_layers.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "tests/support/support.h"

namespace d2l::weights::test {
namespace {

using testing::ElementsAre;

// A file of Keras in memory whose element i of each array is i.
class CountingKerasFile final : public WeightFile {
 public:
  explicit CountingKerasFile(const std::vector<std::pair<std::string, Shape>>& arrays,
                             const std::string& fault = "")
      : WeightFile("file", "Keras", Layout::outputs_last) {
    for (const auto& [name, shape] : arrays) add({name, ElementType::f32, shape});
    set_order_fault(fault);
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

// A convolution with its normalisation, a second convolution, and two matrices.
std::vector<ModelArray> network() {
  return {{.name = "a.weight", .shape = {4, 3, 3, 1}, .reads_input = true},
          {.name = "b.weight", .shape = {4}},
          {.name = "b.bias", .shape = {4}},
          {.name = "c.weight", .shape = {2, 1, 1, 4}},
          {.name = "c.bias", .shape = {2}},
          {.name = "d.weight", .shape = {5, 8}, .image = {2, 2, 2}},
          {.name = "d.bias", .shape = {5}},
          {.name = "e.weight", .shape = {3, 5}, .is_head = true},
          {.name = "e.bias", .shape = {3}, .is_head = true},
          {.name = "b.running_mean", .shape = {4}},
          {.name = "b.running_var", .shape = {4}}};
}

using Arrays = std::vector<std::pair<std::string, Shape>>;

Arrays file_arrays() {
  return {{"second/kernel", {3, 3, 1, 4}},
          {"bn/gamma", {4}},
          {"bn/beta", {4}},
          {"bn/moving_mean", {4}},
          {"bn/moving_variance", {4}},
          {"first/kernel", {1, 1, 4, 2}},
          {"first/bias", {2}},
          {"fc/kernel", {8, 5}},
          {"fc/bias", {5}},
          {"top/kernel", {5, 3}},
          {"top/bias", {3}}};
}

// "a.weight=second/kernel ..."
std::string pairs_text(const std::vector<ArrayPair>& pairs, const WeightFile& file) {
  std::string text;
  for (const ArrayPair& pair : pairs)
    text += concat(text.empty() ? "" : " ", network()[pair.array].name, "=",
                   file.weights()[pair.weight].name);
  return text;
}

std::string obstacle(const Arrays& arrays, const std::vector<ModelArray>& model = network()) {
  const CountingKerasFile file(arrays);
  const Match found = match(model, file);
  EXPECT_TRUE(found.loaded.empty() && found.mismatched.empty());
  EXPECT_EQ(found.fresh.size(), model.size());
  EXPECT_EQ(found.unused.size(), arrays.size());
  EXPECT_FALSE(found.fits_body(model));
  return found.obstacle;
}

TEST(MatchLayers, PairsLayersOfAClassInTheirOrder) {
  const CountingKerasFile file(file_arrays());
  const Match found = match(network(), file);
  EXPECT_EQ(found.obstacle, "");
  EXPECT_EQ(pairs_text(found.loaded, file),
            "a.weight=second/kernel c.weight=first/kernel c.bias=first/bias d.weight=fc/kernel "
            "d.bias=fc/bias e.weight=top/kernel e.bias=top/bias b.weight=bn/gamma b.bias=bn/beta "
            "b.running_mean=bn/moving_mean b.running_var=bn/moving_variance");
  EXPECT_TRUE(found.fits_body(network()));
}

TEST(MatchLayers, OnlyTheOrderWithinAClassMatters) {
  Arrays arrays = file_arrays();
  std::rotate(arrays.begin(), arrays.begin() + 7, arrays.end());  // the dense layers come first
  EXPECT_TRUE(match(network(), CountingKerasFile(arrays)).fits_body(network()));
  arrays = file_arrays();
  std::swap(arrays[7], arrays[9]);  // fc/kernel and top/kernel
  std::swap(arrays[8], arrays[10]);
  const CountingKerasFile file(arrays);
  EXPECT_THAT(pairs_text(match(network(), file).mismatched, file),
              "d.weight=top/kernel d.bias=top/bias e.weight=fc/kernel e.bias=fc/bias");
  EXPECT_FALSE(match(network(), file).fits_body(network()));
}

TEST(MatchLayers, OnlyTheHeadMayBeMissingOrDiffer) {
  Arrays arrays = file_arrays();
  arrays[9].second = {5, 1000};
  arrays[10].second = {1000};
  const CountingKerasFile other(arrays);
  EXPECT_TRUE(match(network(), other).fits_body(network()));
  EXPECT_EQ(match(network(), other).mismatched.size(), 2U);
  arrays.resize(9);
  EXPECT_TRUE(match(network(), CountingKerasFile(arrays)).fits_body(network()));
  arrays.resize(7);
  const Match found = match(network(), CountingKerasFile(arrays));
  EXPECT_THAT(found.fresh, ElementsAre(5, 6, 7, 8));
  EXPECT_FALSE(found.fits_body(network()));
}

TEST(MatchLayers, Obstacles) {
  Arrays more = file_arrays();
  more.emplace_back("more/kernel", Shape{3, 3});
  EXPECT_EQ(obstacle(more), "expected 2 dense layers, as the network has, found 3");
  Arrays bias = file_arrays();
  bias.emplace_back("second/bias", Shape{4});
  EXPECT_EQ(obstacle(bias),
            "'second/bias' has no counterpart in 'a', the layer of the network in the same place");
  Arrays unknown = file_arrays();
  unknown.emplace_back("lstm/recurrent_kernel", Shape{3, 3});
  EXPECT_EQ(obstacle(unknown),
            "'lstm/recurrent_kernel' is neither a weight, a bias nor a part of a "
            "batch normalisation");
  Arrays rank = file_arrays();
  rank.emplace_back("video/kernel", Shape{1, 1, 1, 1, 1});
  EXPECT_EQ(obstacle(rank), "the weight of 'video' has 5 axes");
  std::vector<ModelArray> blocks = network();
  blocks[3].in_block = true;
  EXPECT_EQ(obstacle(file_arrays(), blocks),
            "Keras' layers are matched by their order, and that of 'c.weight', in a block with "
            "several layers, is not known");
  const CountingKerasFile file(file_arrays(), "it is a puzzle");
  EXPECT_EQ(match(network(), file).obstacle,
            "Keras' layers are matched by their order, which is not known: it is a puzzle");
}

TEST(MatchLayers, InputsBecomeTheLastAxis) {
  const CountingKerasFile file({{"a", {2, 1, 3, 2}}, {"b", {2, 3}}, {"c", {3}}});
  // Element (h, 0, i, o) of the file is 6 h + 2 i + o.
  EXPECT_THAT(read_array({.name = "a", .shape = {2, 2, 1, 3}}, file, 0),
              ElementsAre(0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11));
  EXPECT_THAT(read_array({.name = "b", .shape = {3, 2}}, file, 1), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(read_array({.name = "b", .shape = {3, 2}, .image = {1, 1, 2}}, file, 1),
              ElementsAre(0, 3, 1, 4, 2, 5))
      << "flattened images have their channels last";
  EXPECT_THAT(read_array({.name = "c", .shape = {3}}, file, 2), ElementsAre(0, 1, 2));
  // A grey network sums the colours.
  EXPECT_THAT(read_array({.name = "a", .shape = {2, 2, 1, 1}, .reads_input = true}, file, 0),
              ElementsAre(0 + 2 + 4, 6 + 8 + 10, 1 + 3 + 5, 7 + 9 + 11));
  for (const ModelArray& array :
       {ModelArray{.name = "a", .shape = {2, 2, 1, 3}}, ModelArray{.name = "b", .shape = {3, 2}}}) {
    const size_t index = array.shape.rank() == 4 ? 0 : 1;
    EXPECT_EQ(shape_in_file(array, Layout::outputs_last), file.weights()[index].shape);
    EXPECT_EQ(to_layout(array, read_array(array, file, index), Layout::outputs_last),
              file.read(index));
  }
}

}  // namespace
}  // namespace d2l::weights::test
