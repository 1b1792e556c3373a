#include "framework/autograd/arrange.h"
#include "framework/nn/attention.h"
#include "framework/nn/embedding.h"
#include "models/builders.h"

// A small vision transformer (Dosovitskiy et al., 2021): patches of 4 x 4 pixels, 6 blocks, width
// 64. The classifier gets the mean over all patches: with few epochs this trains better than a
// class token (Beyer et al., 2022), and the sequence keeps its 49 or 64 patches.

namespace d2l::models {
namespace {

constexpr int64_t kPatch = 4;
constexpr int64_t kWidth = 64;
constexpr int64_t kDepth = 6;
constexpr int64_t kHeads = 4;
constexpr int64_t kHidden = 2 * kWidth;

// Pixels become a sequence: [n, h, w, c] -> [n, h w, c].
class Sequence final : public nn::Module {
 public:
  Variable forward(const Variable& x, const nn::Context&) override {
    const Shape& shape = x.shape();
    return reshape(x, {shape[0], shape[1] * shape[2], shape[3]});
  }
};

// [n, patches, c] -> [n, c]
class MeanOverSequence final : public nn::Module {
 public:
  Variable forward(const Variable& x, const nn::Context&) override { return mean(x, {1}); }
};

}  // namespace

std::unique_ptr<nn::Module> vit_tiny(const ModelOptions& options) {
  const nn::LayerInit init = layer_init(options, {.weight = {}, .bias = nn::constant(0)});
  const int64_t height = options.input[0], width = options.input[1];
  check(height >= kPatch && width >= kPatch && height % kPatch == 0 && width % kPatch == 0,
        "vit-tiny: expected an input in whole patches of 4 x 4, found ", options.input);
  auto blocks = std::make_shared<nn::Sequential>();
  for (int64_t i = 0; i < kDepth; ++i)
    blocks->then<nn::TransformerEncoderBlock>(nn::TransformerEncoderBlock::Options{
        .width = kWidth, .heads = kHeads, .hidden = kHidden, .init = init});
  auto net = std::make_unique<nn::Sequential>();
  net->then_named<nn::Conv2d>("patches", options.input[2], kWidth,
                              nn::Conv2d::Options{.kernel = kPatch, .stride = kPatch, .init = init})
      .then<Sequence>()
      .then_named<nn::PositionalEmbedding>("positions", (height / kPatch) * (width / kPatch),
                                           kWidth)
      .then_module("blocks", blocks)
      .then_named<nn::LayerNorm>("norm", kWidth)
      .then<MeanOverSequence>()
      .then_named<nn::Linear>("head", kWidth, options.classes, Activation::none, init);
  return net;
}

}  // namespace d2l::models
