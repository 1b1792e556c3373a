#include "launcher/assemble.h"

#include <gmock/gmock.h>

#include "framework/nn/layers.h"
#include "launcher/command_line.h"
#include "launcher/options/normalization.h"
#include "launcher/options/options.h"
#include "tests/support/support.h"

namespace d2l::launcher {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

int64_t steps_of(const char* text, int64_t steps_per_epoch) {
  return parse_duration("--warmup", text).steps("--warmup", steps_per_epoch);
}

TEST(Duration, EpochsOrSteps) {
  EXPECT_EQ(steps_of("5", 40), 200);
  EXPECT_EQ(steps_of("0.5", 41), 21);  // 20.5
  EXPECT_EQ(steps_of("500steps", 40), 500);
  EXPECT_EQ(steps_of("0", 40), 0);
  for (const char* bad : {"", "-1", "five", "5e", "5 steps", "0.5steps", "steps", "nan", "1e300"})
    EXPECT_EQ(message_of([&] { parse_duration("--warmup", bad); }),
              std::string("--warmup expects epochs, for example 5 or 0.5, or steps, for example "
                          "500steps, found '") +
                  bad + "'");
}

// Durations that are rounded to 0 steps: errors name the option, its value and the steps.
TEST(Duration, AtLeastOneStep) {
  EXPECT_EQ(steps_of("0.0125", 40), 1);  // half a step
  EXPECT_EQ(message_of([] { steps_of("0.001", 40); }),
            "--warmup expects at least one step, found '0.001', which is 0.04 steps, rounded "
            "to 0 (an epoch has 40 steps)");
  EXPECT_EQ(message_of([] { parse_duration("--step-every", "1e-9").steps("--step-every", 3); }),
            "--step-every expects at least one step, found '1e-9', which is 3e-09 steps, "
            "rounded to 0 (an epoch has 3 steps)");
}

TEST(Duration, Lists) {
  EXPECT_THAT(split_list("--x", "a,b*"), ElementsAre("a", "b*"));
  EXPECT_TRUE(split_list("--x", "").empty());
  for (const char* bad : {",", "a,", ",a", "a,,b"})
    EXPECT_THAT(message_of([&] { split_list("--x", bad); }),
                HasSubstr("--x expects values separated by"));
}

using Numbers = std::vector<float>;

TEST(Normalize, NamesAndNumbers) {
  const data::DatasetInfo three{.name = "three", .shape = {0, 0, 3}};
  EXPECT_TRUE(parse_normalisation("none", three).mean.empty());
  EXPECT_EQ(parse_normalisation("imagenet", three).mean, (Numbers{0.485f, 0.456f, 0.406f}));
  EXPECT_EQ(parse_normalisation("cifar10", three).deviation, (Numbers{0.2470f, 0.2435f, 0.2616f}));
  const Normalisation found = parse_normalisation("-0.5,1:0.25", {.shape = {4, 4, 2}});
  EXPECT_EQ(found.mean, (Numbers{-0.5f, 1}));
  EXPECT_EQ(found.deviation, (Numbers{0.25f, 0.25f}));
  for (const char* bad :
       {"", "mnist", ":", "0.5", "0.5:", ":1", "a:1", "0.5:1:2", "nan:1", "1:inf"})
    EXPECT_THAT(message_of([&] { check_normalisation(bad); }),
                HasSubstr(std::string("found '") + bad + "'"));
  EXPECT_EQ(message_of([] { check_normalisation("0:0"); }),
            "--normalize expects an STD above 0, found '0:0'");
  EXPECT_EQ(message_of([] {
              parse_normalisation("1,2:1", {.shape = {0, 0, 3}});
            }),
            "--normalize 1,2:1: expected numbers for 3 channels of the images, found 2");
}

TEST(Normalize, DataKnowTheirStatistics) {
  data::DatasetInfo info{.name = "grey", .shape = {0, 0, 1}, .mean = {0.25}, .deviation = {0.5}};
  EXPECT_NO_THROW(check_normalisation("data"));
  EXPECT_EQ(parse_normalisation("data", info).mean, (Numbers{0.25f}));
  EXPECT_EQ(parse_normalisation("data", info).deviation, (Numbers{0.5f}));
  info.deviation = {0};
  EXPECT_EQ(message_of([&] { parse_normalisation("data", info); }),
            "--normalize data expects standard deviations above 0, found 0 in grey");
  info.mean = info.deviation = {};
  EXPECT_THAT(message_of([&] { parse_normalisation("data", info); }),
              HasSubstr("found grey without them"));
}

Config config_of(std::vector<const char*> words) {
  words.insert(words.begin(), {"d2l-train", "--model", "lenet"});
  CommandLine line = parse_command_line(static_cast<int>(words.size()), words.data());
  validate(line.config, line.given);
  return line.config;
}

TEST(MakeSchedule, CountsInSteps) {
  Schedule schedule =
      make_schedule(config_of({"--lr", "2", "--schedule", "multistep", "--milestones", "3,150steps",
                               "--gamma", "0.5", "--warmup", "1.5", "--warmup-start", "0.5"}),
                    40);
  EXPECT_EQ(schedule.warmup, 60);
  EXPECT_EQ(schedule.warmup_start, 0.5);
  EXPECT_EQ(schedule.steps, 400);
  EXPECT_THAT(schedule.milestones, ElementsAre(120, 150));
  EXPECT_EQ(schedule.at(119), 2);
  EXPECT_EQ(schedule.at(120), 1);
  EXPECT_EQ(schedule.at(150), 0.5);

  EXPECT_EQ(make_schedule(config_of({"--schedule", "step", "--step-every", "2"}), 40).step_every,
            80);
  schedule = make_schedule(config_of({"--schedule", "polynomial", "--power", "1", "--final-lr",
                                      "0.01", "--max-steps", "7"}),
                           40);
  EXPECT_DOUBLE_EQ(schedule.at(200), 0.055) << "--max-steps does not shorten it";
}

TEST(MakeSchedule, RefusesWhatCannotBe) {
  auto found = [](const std::vector<const char*>& words) {
    return message_of([&] { make_schedule(config_of(words), 40); });
  };
  EXPECT_EQ(found({"--warmup", "10"}),
            "--warmup expects fewer than the 400 steps of --epochs 10, found '10', which is 400 "
            "steps");
  EXPECT_THAT(found({"--warmup", "0.001"}), HasSubstr("--warmup expects at least one step"));
  EXPECT_THAT(
      found({"--schedule", "step", "--step-every", "0.01"}),
      HasSubstr("--step-every expects at least one step, found '0.01', which is 0.4 steps"));
  const std::pair<const char*, const char*> wrong[] = {
      {"0.1,0.101", "0.1 is step 4, 0.101 is step 4"},
      {"5,4", "5 is step 200, 4 is step 160"},
      {"5,100steps", "5 is step 200, 100steps is step 100"},
      {"1,2,80steps", "2 is step 80, 80steps is step 80"},
      {"0,5", "0 is step 0"}};
  for (const auto& [text, steps] : wrong)
    EXPECT_EQ(found({"--schedule", "multistep", "--milestones", text}),
              std::string("--milestones expects ascending times above 0, found '") + text +
                  "': " + steps + " (an epoch has 40 steps)");
  EXPECT_THAT(found({"--schedule", "multistep", "--milestones", "0.001,1"}),
              HasSubstr("--milestones expects at least one step, found '0.001', which is"));
}

// The parameters after three steps of an optimizer.
template <class Make>
std::vector<float> after_steps(const Make& make) {
  nn::Linear layer(3, 2);
  nn::ParameterSet set(layer, test::cpu(), 1);
  std::unique_ptr<Optimizer> optimizer = make(set);
  for (int step = 0; step < 3; ++step) {
    for (int64_t i = 0; i < set.gradients().elements(); ++i)
      set.gradients().data<float>()[i] = static_cast<float>(i % 5 - 2);
    optimizer->step(0.1);
  }
  return set.values().to_vector<float>();
}

// Every name makes its optimizer.
TEST(MakeOptimizer, KnowsEveryName) {
  auto found = [](const std::vector<const char*>& words) {
    return after_steps(
        [&](nn::ParameterSet& set) { return make_optimizer(config_of(words), set); });
  };
  EXPECT_EQ(found({"--momentum", "0.9", "--nesterov", "on"}),
            after_steps([](nn::ParameterSet& set) {
              return make_sgd(set, {.momentum = 0.9, .nesterov = true});
            }));
  EXPECT_EQ(found({"--optimizer", "adam", "--beta1", "0.8", "--epsilon", "0.1"}),
            after_steps([](nn::ParameterSet& set) {
              return make_adam(set, {.beta1 = 0.8, .epsilon = 0.1});
            }));
  EXPECT_EQ(found({"--optimizer", "adamw", "--weight-decay", "0.3", "--decay", "weights"}),
            after_steps([](nn::ParameterSet& set) {
              return make_adam(set,
                               {.weight_decay = 0.3, .decoupled = true, .decay = Decay::weights});
            }));
  EXPECT_EQ(found({"--optimizer", "lars", "--lars-eta", "0.1", "--momentum", "0.5"}),
            after_steps([](nn::ParameterSet& set) {
              return make_lars(set, {.momentum = 0.5, .eta = 0.1});
            }));
  EXPECT_EQ(found({"--optimizer", "lamb", "--beta2", "0.9"}),
            after_steps([](nn::ParameterSet& set) { return make_lamb(set, {.beta2 = 0.9}); }));
}

}  // namespace
}  // namespace d2l::launcher
