#include "framework/nn/layer_order.h"

#include <gmock/gmock.h>

#include "framework/nn/attention.h"
#include "framework/nn/embedding.h"
#include "framework/nn/layers.h"
#include "framework/nn/parameter_set.h"
#include "tests/support/support.h"

namespace d2l::nn {
namespace {

using testing::ElementsAre;

// "NAME LAYER", of the head "NAME LAYER head", in order of registration.
std::vector<std::string> layers_of(Module& model) {
  const ParameterSet set(model, test::device(), std::nullopt);
  std::vector<std::string> found;
  for (const auto& slot : set.slots())
    found.insert(found.begin(), concat(slot.name, " ", slot.layer, slot.is_head ? " head" : ""));
  return found;
}

// A block of two layers.
struct Block final : Module {
  Block() {
    add<Linear>("a", 2, 2);
    add<Sequential>("rest")->then<BatchNorm>(2).then<Linear>(2, 2);
  }
  Variable forward(const Variable& x, const Context&) override { return x; }
};

TEST(LayerOrder, ABlockIsOneLayerAndASequenceIsNot) {
  Sequential model, *inner = nullptr;
  model.then<Linear>(2, 2).then<BatchNorm>(2).then<Block>();
  auto sequence = std::make_shared<Sequential>();
  inner = sequence.get();
  inner->then<Conv2d>(2, 2, Conv2d::Options{.kernel = 1}).then<Linear>(2, 2);
  model.then_module("end", sequence).then<LayerNorm>(2);
  EXPECT_THAT(layers_of(model),
              ElementsAre("0.weight 0", "0.bias 0", "1.weight 0", "1.bias 0", "2.a.weight 1",
                          "2.a.bias 1", "2.rest.0.weight 1", "2.rest.0.bias 1", "2.rest.1.weight 1",
                          "2.rest.1.bias 1", "end.0.weight 2", "end.0.bias 2",
                          "end.1.weight 3 head", "end.1.bias 3 head", "4.weight 3", "4.bias 3"));
  const LayerOrder order = layer_order(model);
  EXPECT_EQ(order.layers, 4);
  EXPECT_EQ(order.head, inner->children()[1].module.get());
  EXPECT_EQ(ParameterSet(model, test::device(), std::nullopt).layers(), 4);
}

// What comes before the first layer belongs to it, such as an embedding.
TEST(LayerOrder, ParametersBeforeTheFirstLayer) {
  Sequential model;
  model.then<LayerNorm>(2).then<Linear>(2, 2).then<PositionalEmbedding>(3, 2).then<Linear>(2, 2);
  const std::vector<std::string> found = layers_of(model);
  EXPECT_EQ(found[0], "0.weight 0");
  EXPECT_EQ(found[2], "1.weight 0");
  EXPECT_TRUE(found[4].ends_with(" 0")) << found[4];
  EXPECT_EQ(found[5], "3.weight 1 head");
}

TEST(LayerOrder, TheModelItselfIsNoBlock) {
  Block block;
  EXPECT_EQ(layer_order(block).layers, 2);
  Linear alone(2, 2);
  EXPECT_THAT(layers_of(alone), ElementsAre("weight 0 head", "bias 0 head"));
  LayerNorm none(2);
  EXPECT_THAT(layers_of(none), ElementsAre("weight 0", "bias 0"));
  EXPECT_EQ(layer_order(none).head, nullptr);
}

}  // namespace
}  // namespace d2l::nn
