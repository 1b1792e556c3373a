#include "framework/nn/parameter_set.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <map>

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/autograd/linear.h"
#include "framework/nn/layers.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::nn {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

// Two layers, the first in a child module, and a normalisation.
class Net : public Module {
 public:
  Net() {
    block_ = add<Sequential>("block");
    block_->then<Linear>(3, 5).then_named<BatchNorm>("norm", 5);
    output_ = add<Linear>("output", 5, 2);
  }
  Variable forward(const Variable& x, const Context& context) override {
    return output_->forward(block_->forward(x, context), context);
  }

 private:
  std::shared_ptr<Sequential> block_;
  std::shared_ptr<Linear> output_;
};

// One matrix used twice, and one parameter that forward() never touches.
class Tied : public Module {
 public:
  Tied() {
    weight_ = add_parameter("weight", Shape{2, 2}, constant(2));
    share_parameter("again", weight_);
    add_parameter("unused", Shape{3}, constant(1));
  }
  Variable forward(const Variable& x, const Context&) override {
    return linear(linear(x, weight_->variable), parameters()[1].second->variable);
  }

 private:
  std::shared_ptr<Parameter> weight_;
};

std::vector<std::string> names_of(const ParameterSet& set) {
  std::vector<std::string> names;
  for (const ParameterSet::Slot& slot : set.slots()) names.push_back(slot.name);
  return names;
}

std::map<std::string, std::vector<float>> values_of(ParameterSet& set) {
  std::map<std::string, std::vector<float>> values;
  for (size_t i = 0; i < set.slots().size(); ++i)
    values[set.slots()[i].name] = set.part(set.values(), i).to_vector<float>();
  return values;
}

class Recorder : public StateVisitor {
 public:
  void tensor(const std::string& name, Tensor& value) override {
    names.push_back(name);
    if (overwrite) value.backend().fill(value.view(), 9);
  }
  void integer(const std::string& name, int64_t&) override { names.push_back(name); }
  void optional_integer(const std::string& name, int64_t&) override { names.push_back(name); }
  void real(const std::string& name, double&) override { names.push_back(name); }
  std::vector<std::string> names;
  bool overwrite = false;
};

TEST(ParameterSet, NamesInReverseOrderOfRegistration) {
  Net net;
  ParameterSet set(net, device(), 1);
  EXPECT_THAT(names_of(set), ElementsAre("output.bias", "output.weight", "block.norm.bias",
                                         "block.norm.weight", "block.0.bias", "block.0.weight"));
  EXPECT_EQ(set.count(), 2 + 10 + 5 + 5 + 5 + 15);
  EXPECT_EQ(net.children()[0].module->children()[1].module->path(), "block.norm");
  EXPECT_EQ(net.path(), "");
}

TEST(ParameterSet, SlotsAreAlignedDisjointAndPaddedWithZeros) {
  Net net;
  ParameterSet set(net, device(), 1);
  int64_t end = 0;
  const std::vector<float> values = set.values().to_vector<float>();
  const std::vector<float> gradients = set.gradients().to_vector<float>();
  for (size_t i = 0; i < set.slots().size(); ++i) {
    const ParameterSet::Slot& slot = set.slots()[i];
    EXPECT_EQ(slot.begin, end);
    EXPECT_GE(slot.end - slot.begin, slot.shape.elements());
    for (Tensor* arena : {&set.values(), &set.gradients()}) {
      Tensor part = set.part(*arena, i);
      EXPECT_EQ(part.shape(), slot.shape);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(part.view().data) % 64, 0u) << slot.name;
    }
    for (int64_t at = slot.begin + slot.shape.elements(); at < slot.end; ++at)
      EXPECT_EQ(values[static_cast<size_t>(at)] + gradients[static_cast<size_t>(at)], 0)
          << slot.name;
    end = slot.end;
  }
  EXPECT_EQ(set.values().elements(), end);
  EXPECT_EQ(set.gradients().elements(), end);
}

TEST(ParameterSet, WithoutASeedNothingIsDrawn) {
  struct Counted final : Module {
    explicit Counted(int& draws) {
      add_parameter("weight", Shape{3, 5},
                    [&draws](RngKey, const Shape&, std::span<float>) { ++draws; });
    }
    Variable forward(const Variable& x, const Context&) override { return x; }
  };
  int draws = 0;
  Counted module(draws);
  Tensor dirt = full(device(), {16}, 7);
  dirt = Tensor();  // this memory is reused
  ParameterSet set(module, device(), std::nullopt);
  EXPECT_EQ(draws, 0);
  EXPECT_EQ(set.count(), 15);
  EXPECT_EQ(set.slots()[0].parameter->variable.value().view().data, set.values().view().data);
  EXPECT_EQ(set.values().to_vector<float>()[15], 0);
  EXPECT_EQ(set.gradients().to_vector<float>()[15], 0);
  ParameterSet drawn(module, device(), 1);
  EXPECT_EQ(draws, 1);
}

TEST(ParameterSet, VariablesLiveInTheArena) {
  Net net;
  ParameterSet set(net, device(), 1);
  Tensor input = uniform(device(), {4, 3}, {.seed = 3});
  Context context{.training = true};
  sum(square(net.forward(Variable(input), context))).backward();
  for (size_t i = 0; i < set.slots().size(); ++i) {
    Variable& variable = set.slots()[i].parameter->variable;
    EXPECT_EQ(variable.value().view().data, set.part(set.values(), i).view().data);
    EXPECT_EQ(variable.grad().view().data, set.part(set.gradients(), i).view().data);
  }
}

TEST(ParameterSet, SharedParametersHaveOneSlot) {
  Tied net;
  ParameterSet set(net, device(), 1);
  EXPECT_THAT(names_of(set), ElementsAre("unused", "weight"));
  EXPECT_EQ(set.count(), 7);
  // d sum(W W x) / dW = 1 (W x)^T + (W^T 1) x^T with W all 2 and x all 1: 4 + 4 everywhere.
  sum(net.forward(Variable(ones(device(), {1, 2})), {})).backward();
  EXPECT_TRUE(close(set.part(set.gradients(), 1), {8, 8, 8, 8}));
}

TEST(ParameterSet, InitialValuesDependOnSeedAndNameOnly) {
  Net net, again, other_seed;
  ParameterSet set(net, device(), 5), same(again, device(), 5), different(other_seed, device(), 6);
  auto values = values_of(set);
  EXPECT_EQ(values, values_of(same));
  EXPECT_NE(values["output.weight"], values_of(different)["output.weight"]);

  // The same layer under the same name in another model, elsewhere in the arena.
  Sequential alone;
  alone.then_named<Linear>("before", 7, 7).then_named<Linear>("output", 5, 2);
  ParameterSet third(alone, device(), 5);
  EXPECT_EQ(values["output.weight"], values_of(third)["output.weight"]);
  EXPECT_EQ(values["output.bias"], values_of(third)["output.bias"]);
  // Another name, other values.
  EXPECT_NE(values_of(third)["before.bias"], values_of(third)["output.bias"]);
}

TEST(ParameterSet, InitialValuesFollowTheInitializers) {
  Sequential net;
  net.then_named<Linear>("wide", 300, 200);
  net.then_named<Linear>("normal", 300, 200, Activation::none,
                         LayerInit{.weight = normal(1, 0.01), .bias = constant(3)});
  net.then_named<Conv2d>("conv", 4, 8, Conv2d::Options{.kernel = 5});
  net.then_named<Conv2d>(
      "kaiming", 40, 80,
      Conv2d::Options{.kernel = 5, .init = {.weight = kaiming_normal(), .bias = {}}});
  net.then_named<Conv2d>(
      "fan_in", 40, 80,
      Conv2d::Options{.kernel = 5, .init = {.weight = fan_in_uniform(), .bias = {}}});
  ParameterSet set(net, device(), 5);
  auto values = values_of(set);
  struct Moments {
    double mean = 0, std = 0, largest = 0;
  };
  auto moments = [](const std::vector<float>& v) {
    Moments m;
    double count = static_cast<double>(v.size());
    for (float x : v) m.mean += static_cast<double>(x) / count;
    for (float x : v) m.std += std::pow(static_cast<double>(x) - m.mean, 2) / count;
    for (float x : v) m.largest = std::max(m.largest, std::abs(static_cast<double>(x)));
    m.std = std::sqrt(m.std);
    return m;
  };
  double bound = std::sqrt(6.0 / 500);
  Moments wide = moments(values["wide.weight"]);
  EXPECT_NEAR(wide.mean, 0, 0.01 * bound);
  EXPECT_NEAR(wide.std, bound / std::sqrt(3.0), 0.01 * bound);
  EXPECT_LE(wide.largest, bound);
  EXPECT_LE(moments(values["wide.bias"]).largest, 1 / std::sqrt(300.0));
  Moments kaiming = moments(values["kaiming.weight"]), fan_in = moments(values["fan_in.weight"]);
  EXPECT_NEAR(kaiming.std, std::sqrt(2.0 / (80 * 25)), 0.0003);
  EXPECT_NEAR(kaiming.mean, 0, 0.0003);
  EXPECT_GT(kaiming.largest, 3.5 * kaiming.std);
  EXPECT_NEAR(fan_in.std, 1 / std::sqrt(3.0 * 40 * 25), 0.0003);
  EXPECT_LE(fan_in.largest, 1 / std::sqrt(40.0 * 25));
  EXPECT_NEAR(moments(values["normal.weight"]).mean, 1, 2e-4);
  EXPECT_NEAR(moments(values["normal.weight"]).std, 0.01, 2e-4);
  EXPECT_EQ(values["normal.bias"], std::vector<float>(200, 3));
  Moments conv = moments(values["conv.weight"]);  // fans 25 * 4 and 25 * 8
  EXPECT_LE(conv.largest, std::sqrt(6.0 / 300));
  EXPECT_GT(conv.largest, 0.95 * std::sqrt(6.0 / 300));
}

TEST(ParameterSet, MissingGradientsBecomeZero) {
  Tied net;
  ParameterSet set(net, device(), 1);
  device().fill(set.gradients().view(), 55);  // left by an earlier step
  sum(net.forward(Variable(ones(device(), {1, 2})), {})).backward();
  set.fill_missing_gradients();
  EXPECT_TRUE(close(set.part(set.gradients(), 0), {0, 0, 0}));
  EXPECT_TRUE(close(set.part(set.gradients(), 1), {8, 8, 8, 8}));
  set.zero_grad();
  set.fill_missing_gradients();
  EXPECT_TRUE(close(set.part(set.gradients(), 1), {0, 0, 0, 0}));
}

TEST(ParameterSet, BuffersAndState) {
  Net net;
  ParameterSet set(net, device(), 1);
  EXPECT_TRUE(close(set.buffers(), {0, 0, 0, 0, 0, 1, 1, 1, 1, 1}));
  Recorder recorder;
  recorder.overwrite = true;
  set.visit(recorder);
  EXPECT_THAT(recorder.names,
              ElementsAre("parameters/output.bias", "parameters/output.weight",
                          "parameters/block.norm.bias", "parameters/block.norm.weight",
                          "parameters/block.0.bias", "parameters/block.0.weight",
                          "buffers/block.norm.running_mean", "buffers/block.norm.running_var"));
  for (const auto& [name, values] : values_of(set))
    EXPECT_EQ(values, std::vector<float>(values.size(), 9)) << name;
  EXPECT_TRUE(close(set.buffers(), std::vector<float>(10, 9)));
}

TEST(ParameterSet, FrozenParametersHaveNoGradient) {
  Net net;
  ParameterSet set(net, device(), 1);
  device().fill(set.gradients().view(), 55);
  set.freeze({"block.0.*", "*.norm.b?as", "block.0.weight"});
  EXPECT_EQ(set.frozen_count(), 15 + 5 + 5);
  EXPECT_EQ(set.count(), 2 + 10 + 5 + 5 + 5 + 15);
  sum(square(net.forward(Variable(uniform(device(), {4, 3}, {.seed = 3})), {.training = true})))
      .backward();
  set.fill_missing_gradients();
  for (size_t i = 0; i < set.slots().size(); ++i) {
    const ParameterSet::Slot& slot = set.slots()[i];
    const bool frozen = slot.name.starts_with("block.0.") || slot.name == "block.norm.bias";
    EXPECT_EQ(slot.frozen, frozen) << slot.name;
    EXPECT_EQ(slot.parameter->variable.has_grad(), !frozen) << slot.name;
    const std::vector<float> found = set.part(set.gradients(), i).to_vector<float>();
    const std::vector<float> zeros(found.size(), 0);
    EXPECT_EQ(found == zeros, frozen) << slot.name;
  }
}

TEST(ParameterSet, UnfreezingMakesFrozenParametersLikeTheOthers) {
  Net net, frozen_net;
  ParameterSet set(net, device(), 1), unfrozen(frozen_net, device(), 1);
  unfrozen.freeze({"block.*", "output.bias"});
  unfrozen.unfreeze();
  EXPECT_EQ(unfrozen.frozen_count(), 0);
  const auto backward = [](Net& through) {
    sum(square(
            through.forward(Variable(uniform(device(), {4, 3}, {.seed = 3})), {.training = true})))
        .backward();
  };
  backward(net);
  backward(frozen_net);
  EXPECT_EQ(unfrozen.gradients().to_vector<float>(), set.gradients().to_vector<float>());
}

TEST(ParameterSet, FreezesWhatIsThereButNotAll) {
  Net net;
  ParameterSet set(net, device(), 1);
  EXPECT_EQ(message_of([&] { set.freeze({"blok.*"}); }),
            "unknown parameter to freeze 'blok.*', did you mean 'block.*'?");
  EXPECT_EQ(message_of([&] { set.freeze({"output.wait"}); }),
            "unknown parameter to freeze 'output.wait', did you mean 'output.weight'?");
  EXPECT_THAT(message_of([&] { set.freeze({"*"}); }), HasSubstr("freezes all 6 parameters"));
}

TEST(ParameterSet, GivesAndTakesTensorsByName) {
  Sequential from(Linear(2, 3), BatchNorm(3)), to(Linear(2, 3), BatchNorm(3));
  const ParameterSet given(from, device(), 1);
  ParameterSet taken(to, device(), 2);
  given["1.bias"].value().copy_from(ones_like(given["1.bias"].value()));
  EXPECT_EQ(given.named_tensors().size(), 6u);
  taken.copy_from(given.named_tensors());
  for (const auto& [name, tensor] : given.named_tensors())
    EXPECT_TRUE(test::close(taken.named_tensors().at(name), tensor, 0, 0)) << name;
  EXPECT_THAT(message_of([&] { taken["0.wait"]; }),
              HasSubstr("unknown parameter '0.wait'; expected one of"));

  auto tensors = given.named_tensors();
  tensors["0.bias"] = zeros(device(), {2});
  EXPECT_EQ(message_of([&] { taken.copy_from(tensors); }),
            "parameter '0.bias': expected [3], found [2]");
  tensors.erase("0.bias");
  EXPECT_EQ(message_of([&] { taken.copy_from(tensors); }),
            "expected a value for parameter '0.bias', found none");
  tensors["0.bais"] = zeros(device(), {3});
  EXPECT_THAT(message_of([&] { taken.copy_from(tensors); }),
              HasSubstr("unknown parameter '0.bais'"));
}

TEST(ParameterSet, RefusesWhatItCannotName) {
  Sequential twice;
  twice.then_named<Linear>("same", 2, 2);
  EXPECT_THAT(message_of([&] { twice.then_named<Linear>("same", 2, 2); }), HasSubstr("'same'"));
  Sequential empty;
  empty.then<Flatten>();
  EXPECT_THAT(message_of([&] { ParameterSet(empty, device(), 1); }), HasSubstr("no parameters"));
}

}  // namespace
}  // namespace d2l::nn
