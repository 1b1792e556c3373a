#include "framework/optim/shards.h"

#include "tests/optim/linear_layer.h"

namespace d2l {
namespace {

using test::device;
using test::Keeper;
using testing::ElementsAre;

// Of the 32 elements of a LinearLayer; cut in the middle of its parameters.
const std::vector<Range> kOwn = {{0, 3}, {18, 32}};

class ShardsTest : public test::LinearLayer {
 protected:
  bool is_own(size_t i) const {
    const auto at = static_cast<int64_t>(i);
    return std::any_of(kOwn.begin(), kOwn.end(),
                       [&](const Range& own) { return at >= own.begin && at < own.end; });
  }

  // Of a rank alone, which leaves what belongs to others.
  Shards shards{.own = kOwn,
                .buckets = {{0, 16}, {16, 32}},
                .gather = [](View, const std::vector<Range>&) {},
                .sum = [](View) {}};
};

TEST_F(ShardsTest, RangesAreCutIntoParts) {
  const std::vector<StepRange> ranges = {{.begin = 0, .end = 16, .lr = 2},
                                         {.begin = 16, .end = 20, .lr = 3},
                                         {.begin = 20, .end = 32, .lr = 4}};
  const std::vector<StepPart> parts = parts_of(ranges, set, &shards);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].arena, (Range{0, 3}));
  EXPECT_EQ(parts[0].state, (Range{0, 3}));
  EXPECT_THAT(parts[0].ranges, ElementsAre(StepRange{.begin = 0, .end = 3, .lr = 2}));
  EXPECT_EQ(parts[1].arena, (Range{18, 32}));
  EXPECT_EQ(parts[1].state, (Range{3, 17}));
  EXPECT_THAT(parts[1].ranges, ElementsAre(StepRange{.begin = 0, .end = 2, .lr = 3},
                                           StepRange{.begin = 2, .end = 14, .lr = 4}));
  EXPECT_TRUE(parts_of({{.begin = 3, .end = 18}}, set, &shards).empty());
  const std::vector<StepPart> whole = parts_of(ranges, set, nullptr);
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].arena, (Range{0, 32}));
  EXPECT_EQ(whole[0].ranges, ranges);
}

TEST_F(ShardsTest, OnlyOwnElementsAreUpdatedAsWithoutShards) {
  ASSERT_EQ(set.values().elements(), 32);
  const Tensor before = set.values().clone();
  const auto first = before.to_vector<float>();
  using Make = std::function<std::unique_ptr<Optimizer>(const Shards*)>;
  for (const Make& make : std::vector<Make>{
           [&](auto* of) { return make_sgd(set, {.momentum = 0.9, .weight_decay = 0.1}, of); },
           [&](auto* of) { return make_adam(set, {.weight_decay = 0.1}, of); }}) {
    set.values().copy_from(before);
    const auto expected = run(*make(nullptr), 0.1);
    set.values().copy_from(before);
    const auto found = run(*make(&shards), 0.1);
    for (size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(found[i], is_own(i) ? expected[i] : first[i]) << "element " << i;
  }
}

TEST_F(ShardsTest, StateIsThatOfOwnElements) {
  EXPECT_EQ(ShardedState(set, nullptr).array().elements(), 32);
  EXPECT_EQ(ShardedState(set, &shards).array().elements(), 17);
}

// What the others have comes from them when state is saved; when it is restored, each keeps its
// own.
TEST_F(ShardsTest, StateIsSavedAndRestoredAsAWhole) {
  const auto whole = make_sgd(set, {.momentum = 0.9});
  give(1);
  whole->step(0.1);
  Keeper expected;
  whole->visit(expected);
  const auto velocity = set.gradients().to_vector<float>();  // after the first step
  // Bucket after bucket.
  size_t begin = 0;
  shards.gather = [&](View part, const std::vector<Range>& buckets) {
    ASSERT_THAT(buckets, ElementsAre(Range{0, 16}));
    std::vector<float> all(16);
    device().copy_to_host(part, all.data());
    device().synchronize();
    for (size_t i = 0; i < all.size(); ++i)
      if (!is_own(begin + i)) all[i] = velocity[begin + i];
    device().copy_from_host(all.data(), part);
    device().synchronize();
    begin = (begin + 16) % 32;
  };
  const auto sharded = make_sgd(set, {.momentum = 0.9}, &shards),
             restored = make_sgd(set, {.momentum = 0.9}, &shards);
  sharded->step(0.1);
  Keeper saved, again;
  sharded->visit(saved);
  ASSERT_EQ(saved.tensors.size(), expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors)
    EXPECT_EQ(saved.tensors.at(name).to_vector<float>(), tensor.to_vector<float>()) << name;
  saved.restoring = true;
  restored->visit(saved);
  restored->visit(again);
  for (const auto& [name, tensor] : expected.tensors)
    EXPECT_EQ(again.tensors.at(name).to_vector<float>(), tensor.to_vector<float>()) << name;
}

TEST_F(ShardsTest, TheNormOfGradientsIsThatOfAllRanks) {
  set.gradients().copy_from(full(device(), Shape{32}, 2.0));
  const auto add = [](View to, double squares) {  // of the other elements
    device().binary_scalar(Binary::add, to, squares, to);
  };
  shards.sum = [&](View squares) { add(squares, 15 * 4); };
  Tensor norm = zeros(device(), Shape{1});
  find_gradient_norm(set, &shards, norm);
  EXPECT_FLOAT_EQ(norm.item<float>(), std::sqrt(32.0f * 4));
  shards.own = {};
  shards.sum = [&](View squares) { add(squares, 9); };
  find_gradient_norm(set, &shards, norm);
  EXPECT_FLOAT_EQ(norm.item<float>(), 3);
}

}  // namespace
}  // namespace d2l
