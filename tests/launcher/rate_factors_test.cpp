#include "launcher/rate_factors.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "launcher/assemble.h"
#include "models/zoo.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::launcher {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

// A network of the zoo and its parameters, without values.
struct Network {
  explicit Network(const std::string& name)
      : backend(make_dry_backend()),
        model(models::build_model(name, models::usual_options(name))),
        parameters(*model, *backend, std::nullopt) {}

  std::map<std::string, double> factors(const OptimizerConfig& options) const {
    const LrFactors found = rate_factors(options, parameters).of_slots;
    std::map<std::string, double> named;
    for (size_t i = 0; i < found.size(); ++i) named[parameters.slots()[i].name] = found[i];
    return named;
  }
  std::string note(const OptimizerConfig& options) const {
    return rate_factors(options, parameters).note;
  }

  std::unique_ptr<Backend> backend;
  std::unique_ptr<nn::Module> model;
  nn::ParameterSet parameters;
};

std::vector<LrMultiplier> parsed(const std::string& text) {
  std::vector<LrMultiplier> values;
  parse("--lr-mult", text, values);
  return values;
}

TEST(LrMult, TextAndBack) {
  EXPECT_THAT(parsed("layer1.*:0.1,*.bias:2e-3"),
              ElementsAre(LrMultiplier{"layer1.*", 0.1}, LrMultiplier{"*.bias", 0.002}));
  EXPECT_EQ(text_of(parsed("a:0,b?[cd]*:1e3")), "a:0,b?[cd]*:1000");
  EXPECT_TRUE(parsed("").empty());
  for (const char* bad : {"a", "a:", ":1", ":"})
    EXPECT_EQ(message_of([&] { parsed(bad); }),
              std::string("--lr-mult expects PATTERN:FACTOR, for example layer1.*:0.1, found '") +
                  bad + "'");
  for (const char* bad : {"a:-1", "a:inf", "a:nan"})
    EXPECT_EQ(message_of([&] { parsed(bad); }),
              std::string("--lr-mult expects a finite factor of at least 0, found '") + bad + "'");
  EXPECT_EQ(message_of([] { parsed("a:2,b:two"); }), "--lr-mult expects a number, found 'two'");
  EXPECT_THAT(message_of([] { parsed("a:1,"); }), HasSubstr("expects values separated by ','"));
}

TEST(RateFactors, NoneWithoutTheOptions) {
  const Network network("lenet");
  EXPECT_TRUE(rate_factors({}, network.parameters).of_slots.empty());
  EXPECT_EQ(network.note({}), "");
}

TEST(RateFactors, TheLastPatternThatMatchesApplies) {
  const Network network("lenet");
  const auto found = network.factors({.lr_mult = parsed("*:2,conv?.*:0.5,*.bias:3,fc[12].bias:7")});
  EXPECT_EQ(found, (std::map<std::string, double>{{"conv1.bias", 3},
                                                  {"conv1.weight", 0.5},
                                                  {"conv2.bias", 3},
                                                  {"conv2.weight", 0.5},
                                                  {"fc1.bias", 7},
                                                  {"fc1.weight", 2},
                                                  {"fc2.bias", 7},
                                                  {"fc2.weight", 2},
                                                  {"fc3.bias", 3},
                                                  {"fc3.weight", 2}}));
}

TEST(RateFactors, AreMultiplied) {
  const Network network("lenet");
  const auto found = network.factors(
      {.lr_mult = parsed("conv1.*:3,fc3.weight:5"), .head_lr_mult = 10, .lr_decay_by_depth = 0.5});
  const std::map<std::string, double> expected = {
      {"conv1.weight", 3 * 0.0625}, {"conv1.bias", 3 * 0.0625},
      {"conv2.weight", 0.125},      {"conv2.bias", 0.125},
      {"fc1.weight", 0.25},         {"fc1.bias", 0.25},
      {"fc2.weight", 0.5},          {"fc2.bias", 0.5},
      {"fc3.weight", 50},           {"fc3.bias", 10}};
  EXPECT_EQ(found, expected);
}

// As timm's layer_decay: the stem, one layer for each block, the head.
TEST(RateFactors, BlocksAreLayers) {
  const auto resnet = Network("tv-resnet18").factors({.lr_decay_by_depth = 0.5});
  EXPECT_EQ(resnet.at("fc.bias"), 1);
  EXPECT_EQ(resnet.at("layer4.1.bn2.weight"), 0.5);
  EXPECT_EQ(resnet.at("layer4.0.downsample.0.weight"), 0.25);
  EXPECT_EQ(resnet.at("layer4.0.conv1.weight"), 0.25);
  EXPECT_EQ(resnet.at("layer1.0.conv1.weight"), std::pow(0.5, 8));
  EXPECT_EQ(resnet.at("bn1.weight"), std::pow(0.5, 9));
  EXPECT_EQ(resnet.at("conv1.weight"), std::pow(0.5, 9));
  const auto vit = Network("vit-tiny").factors({.lr_decay_by_depth = 0.5});
  EXPECT_EQ(vit.at("head.weight"), 1);
  EXPECT_EQ(vit.at("norm.weight"), 0.5);
  EXPECT_EQ(vit.at("blocks.5.attention.qkv.weight"), 0.5);
  EXPECT_EQ(vit.at("blocks.0.norm1.weight"), std::pow(0.5, 6));
  EXPECT_EQ(vit.at("patches.weight"), std::pow(0.5, 7));
  for (const auto& [name, factor] : vit)
    EXPECT_TRUE(!name.starts_with("positions.") || factor == std::pow(0.5, 7)) << name;
}

// The head has one output for each class, in every network.
TEST(RateFactors, EveryNetworkHasAHead) {
  for (const std::string& name : models::model_names()) {
    const Network network(name);
    const int64_t classes = models::usual_options(name).classes;
    int64_t outputs = 0;
    for (const auto& slot : network.parameters.slots()) {
      if (!slot.is_head) continue;
      EXPECT_EQ(slot.shape[0], classes) << name << ": " << slot.name;
      EXPECT_EQ(slot.layer, network.parameters.layers() - 1) << name;
      ++outputs;
    }
    EXPECT_EQ(outputs, 2) << name;
    EXPECT_TRUE(network.parameters.slots()[0].is_head) << name;
  }
  EXPECT_EQ(Network("nin").factors({.head_lr_mult = 4}).at("block4.conv3.weight"), 4);
  EXPECT_EQ(Network("nin").factors({.head_lr_mult = 4}).at("block4.conv2.weight"), 1);
}

TEST(RateFactors, AreShownInOneLine) {
  Network network("lenet");
  EXPECT_EQ(
      network.note(
          {.lr_mult = parsed("conv*:0.5,conv1.*:0"), .head_lr_mult = 10, .lr_decay_by_depth = 0.5}),
      "factors on the learning rate: conv* 0.5 (2,416 parameters), conv1.* 0 (156 "
      "parameters), head fc3 10 (850 parameters), 0.5 for each of 4 layers below the head; "
      "in all from 0 to 10");
  network.parameters.freeze({"conv*"});
  EXPECT_EQ(network.note({.lr_mult = parsed("conv1.*:0.5,*.weight:2")}),
            "factors on the learning rate: conv1.* 0.5 (all frozen), *.weight 2 (58,920 "
            "parameters); in all from 1 to 2");
}

TEST(RateFactors, RefuseWhatHasNoEffect) {
  Network network("lenet");
  const auto refused = [&](const OptimizerConfig& options) {
    return message_of([&] { rate_factors(options, network.parameters); });
  };
  EXPECT_EQ(refused({.lr_mult = parsed("conv1.*:2,fc.*:3")}),
            "unknown parameter in --lr-mult 'fc.*', did you mean 'fc1.*'?");
  EXPECT_THAT(refused({.lr_mult = parsed("*:0"), .head_lr_mult = 3}), HasSubstr("found 0 for all"));
  network.parameters.freeze({"conv*", "fc[12].*"});
  EXPECT_THAT(refused({.head_lr_mult = 0}), HasSubstr("found 0 for all"));
}

// The optimizer gets them: a step of SGD is in proportion to the factor.
TEST(RateFactors, ReachEveryOptimizer) {
  for (OptimizerChoice kind : {OptimizerChoice::sgd, OptimizerChoice::adam, OptimizerChoice::adamw,
                               OptimizerChoice::lars, OptimizerChoice::lamb}) {
    const auto moved = [&](const std::string& multipliers) {
      const auto model = models::build_model("softmax-regression", {});
      nn::ParameterSet set(*model, test::cpu(), 1);
      Config config;
      config.optimizer.kind = kind;
      config.optimizer.lr_mult = parsed(multipliers);
      const auto optimizer = make_optimizer(config, set);
      test::cpu().fill(set.gradients().view(), 0.25);
      const std::vector<float> before = set.values().to_vector<float>();
      optimizer->step(1);
      return static_cast<double>(before[0] - set.values().to_vector<float>()[0]);
    };
    EXPECT_NEAR(moved("output.bias:4") / moved(""), 4, 1e-3) << word_of(kind);
  }
}

// Real runs.
TEST(RateFactorsOfARun, AreInTheLogAndInItsConfig) {
  const test::TemporaryFolder folder;
  const std::string run = folder.path() / "run";
  using test::train;
  const test::ProgramResult first =
      train(0, {"--model", "mlp", "--epochs", "1", "--max-steps", "2", "--lr-mult", "hidden.*:0",
                "--head-lr-mult", "2", "--out", run});
  ASSERT_EQ(first.exit_code, 0) << first.output;
  const std::string line =
      "factors on the learning rate: hidden.* 0 (200,960 parameters), head output 2 (2,570 "
      "parameters); in all from 0 to 2\n";
  EXPECT_THAT(first.output, HasSubstr(line));
  EXPECT_THAT(first.output, HasSubstr("lr-mult = hidden.*:0\nhead-lr-mult = 2\n"));
  const test::ProgramResult resumed = train(0, {"--resume", run, "--max-steps", "3"});
  EXPECT_THAT(resumed.output, HasSubstr(line)) << "the run keeps its options";
  const test::ProgramResult changed =
      train(0, {"--resume", run, "--max-steps", "4", "--lr-mult", "", "--head-lr-mult", "1"});
  EXPECT_EQ(changed.exit_code, 0) << changed.output;
  EXPECT_THAT(changed.output, testing::Not(HasSubstr("factors on the learning rate")));
  const test::ProgramResult wrong =
      train(2, {"--model", "mlp", "--lr-mult", "hiden.*:2", "--out", folder.path() / "other"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.output, HasSubstr("unknown parameter in --lr-mult 'hiden.*', did you mean "
                                      "'hidden.*'?"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "other"));
}

}  // namespace
}  // namespace d2l::launcher
