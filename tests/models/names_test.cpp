#include <algorithm>
#include <map>

#include "tests/models/models_support.h"

// The names of published pretrained weights: the names in torchvision's state_dict(), without
// num_batches_tracked.
namespace d2l::models::test {
namespace {

using Names = std::vector<std::string>;

// Names and shapes of all saved state.
struct Listing final : StateVisitor {
  void tensor(const std::string& name, Tensor& value) override {
    shapes[name.substr(name.find('/') + 1)] = value.shape();
  }
  void integer(const std::string&, int64_t&) override {}
  void optional_integer(const std::string&, int64_t&) override {}
  void real(const std::string&, double&) override {}
  std::map<std::string, Shape> shapes;
};

std::map<std::string, Shape> shapes_of(const std::string& name) {
  auto model = build_model(name, usual_options(name));
  nn::ParameterSet set(*model, device(), std::nullopt);
  Listing listing;
  set.visit(listing);
  return listing.shapes;
}

Names names_of(const std::string& name) {
  Names names;
  for (const auto& [key, shape] : shapes_of(name)) names.push_back(key);
  return names;
}

Names sorted(Names names) {
  std::sort(names.begin(), names.end());
  return names;
}

void add(Names& names, const std::string& module, const Names& members) {
  for (const std::string& member : members) names.push_back(module + "." + member);
}

const Names kLinear{"weight", "bias"};
const Names kNorm{"weight", "bias", "running_mean", "running_var"};

Names resnet_names(const std::vector<int>& blocks, int convolutions, bool first_projects) {
  Names names{"conv1.weight", "fc.weight", "fc.bias"};
  add(names, "bn1", kNorm);
  for (size_t layer = 0; layer < blocks.size(); ++layer)
    for (int i = 0; i < blocks[layer]; ++i) {
      const std::string block = concat("layer", layer + 1, ".", i);
      for (int c = 1; c <= convolutions; ++c) {
        names.push_back(concat(block, ".conv", c, ".weight"));
        add(names, concat(block, ".bn", c), kNorm);
      }
      if (i > 0 || (layer == 0 && !first_projects)) continue;
      names.push_back(block + ".downsample.0.weight");
      add(names, block + ".downsample.1", kNorm);
    }
  return sorted(names);
}

TEST(Names, Resnets) {
  EXPECT_EQ(names_of("tv-resnet18"), resnet_names({2, 2, 2, 2}, 2, false));
  EXPECT_EQ(names_of("tv-resnet34"), resnet_names({3, 4, 6, 3}, 2, false));
  EXPECT_EQ(names_of("tv-resnet50"), resnet_names({3, 4, 6, 3}, 3, true));
  EXPECT_EQ(names_of("tv-resnet152"), resnet_names({3, 8, 36, 3}, 3, true));
  EXPECT_EQ(names_of("tv-resnet18").size(), 102U);  // 122 with num_batches_tracked
  auto shapes = shapes_of("tv-resnet50");
  EXPECT_EQ(shapes["layer1.0.downsample.0.weight"], (Shape{256, 1, 1, 64}));
  EXPECT_EQ(shapes["layer3.5.conv2.weight"], (Shape{256, 3, 3, 256}));
  EXPECT_EQ(shapes["layer4.0.conv1.weight"], (Shape{512, 1, 1, 1024}));
  EXPECT_EQ(shapes["fc.weight"], (Shape{1000, 2048}));
}

TEST(Names, Googlenet) {
  Names names{"fc.weight", "fc.bias"}, units{"conv1", "conv2", "conv3"};
  for (const char* block : {"3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"})
    add(units, std::string("inception") + block,
        {"branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1"});
  for (const std::string& unit : units) {
    names.push_back(unit + ".conv.weight");
    add(names, unit + ".bn", kNorm);
  }
  EXPECT_EQ(names_of("tv-googlenet"), sorted(names));
  auto shapes = shapes_of("tv-googlenet");
  EXPECT_EQ(shapes["inception3a.branch2.0.conv.weight"], (Shape{96, 1, 1, 192}));
  EXPECT_EQ(shapes["inception3a.branch3.1.conv.weight"], (Shape{32, 3, 3, 16}));
}

Names numbered(const char* begin, const std::vector<int>& numbers, const Names& members) {
  Names names;
  for (int number : numbers) add(names, concat(begin, ".", number), members);
  return names;
}

Names joined(Names all, const Names& more) {
  all.insert(all.end(), more.begin(), more.end());
  return sorted(all);
}

TEST(Names, VggAndAlexnet) {
  const Names classifier = numbered("classifier", {0, 3, 6}, kLinear);
  EXPECT_EQ(names_of("tv-vgg11"),
            joined(numbered("features", {0, 3, 6, 8, 11, 13, 16, 18}, kLinear), classifier));
  EXPECT_EQ(names_of("tv-vgg16"),
            joined(numbered("features", {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28}, kLinear),
                   classifier));
  const Names convolutions = numbered("features", {0, 4, 8, 11, 15, 18, 22, 25}, kLinear);
  const Names norms = numbered("features", {1, 5, 9, 12, 16, 19, 23, 26}, kNorm);
  EXPECT_EQ(names_of("tv-vgg11-bn"), joined(joined(convolutions, norms), classifier));
  EXPECT_EQ(names_of("tv-alexnet"), joined(numbered("features", {0, 3, 6, 8, 10}, kLinear),
                                           numbered("classifier", {1, 4, 6}, kLinear)));
  EXPECT_EQ(shapes_of("tv-alexnet")["classifier.1.weight"], (Shape{4096, 9216}));
}

// As in the implementations of option A with published weights.
TEST(Names, ResidualNetworksForSmallImages) {
  Names names{"conv1.weight", "linear.weight", "linear.bias"};
  add(names, "bn1", kNorm);
  for (int layer = 1; layer <= 3; ++layer)
    for (int block = 0; block < 3; ++block)
      for (int c = 1; c <= 2; ++c) {
        names.push_back(concat("layer", layer, ".", block, ".conv", c, ".weight"));
        add(names, concat("layer", layer, ".", block, ".bn", c), kNorm);
      }
  EXPECT_EQ(names_of("resnet20"), sorted(names));
}

}  // namespace
}  // namespace d2l::models::test
