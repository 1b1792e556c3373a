#include "launcher/options/options.h"

#include <gmock/gmock.h>

#include <map>

#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "launcher/resume.h"
#include "launcher/setup.h"
#include "launcher/stored_config.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// The rules that follow from the declarations of options, for all options.

namespace d2l::launcher {
namespace {

using test::message_of;
using test::Words;
using test::operator+;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const char* name_of_rule(ResumeRule rule) {
  switch (rule) {
    case ResumeRule::may_change:
      return "may change";
    case ResumeRule::fixed_in_epoch:
      return "fixed in epoch";
    case ResumeRule::fixed_in_run:
      return "fixed in run";
    case ResumeRule::zero_fixed_in_run:
      return "zero fixed in run";
    case ResumeRule::fixed_by_state:
      return "fixed by state";
    case ResumeRule::not_kept:
      return "not kept";
  }
  return "none";
}

// The options that may change at a resume determine whether it is exact, and the options that ranks
// must agree on determine whether they compute the same: consider both when adding an option here.
const char* const kRules = R"(
model: fixed in run
recipe: may change
init: may change
weights: may change
width: fixed in run
data: fixed in epoch, by contents, per rank
data-dir: may change, per rank
resize: fixed in epoch
shuffle: fixed in epoch
shuffle-window: fixed in epoch
on-bad-sample: may change
kfold: fixed in run
fold: fixed in run
kfold-shuffle: fixed in run
kfold-seed: fixed in run
normalize: fixed in epoch
augment: fixed in epoch
eval-transform: fixed in epoch
epochs: may change
max-steps: may change
patience: may change
batch-size: fixed in epoch
last-batch: fixed in epoch
accumulate: may change
reproducible: fixed in run
precision: may change
loss-scale: may change
sync-bn: may change
freeze: may change
unfreeze-after: may change
seed: fixed in epoch
optimizer: fixed in run
lr: may change
lr-mult: may change
head-lr-mult: may change
lr-decay-by-depth: may change
momentum: zero fixed in run
nesterov: may change
beta1: may change
beta2: may change
epsilon: may change
weight-decay: may change
decay: may change
lars-eta: may change
shard-optimizer: may change
schedule: may change
warmup: may change
warmup-start: may change
step-every: may change
milestones: may change
gamma: may change
power: may change
final-lr: may change
loss: may change
huber-delta: may change
label-smoothing: may change
clip-value: may change
clip-norm: may change
ema: zero fixed in run
out: not kept
resume: not kept
from: not kept
verify-resume: not kept
save-every: may change
keep: may change
also-save-to: may change
eval-every: may change
best: fixed by state
log-every: may change
tensorboard: may change
trace: not kept
max-time: may change
run-id: fixed in run
device: may change
comm: may change
deterministic: may change
cuda-graph: may change
threads: may change
peer-timeout: may change
stall-timeout: may change
loader-threads: may change
loader-queue: may change
cache: may change
time: not kept
plan-network: not kept
plan-ranks: not kept
plan-compute: not kept
progress: not kept, per rank
config: not kept, per rank
)";

TEST(Options, SayWhatAResumeMayChangeAndWhatRanksMayHaveOfTheirOwn) {
  std::string found = "\n";
  for (const Option& option : options())
    found += option.name + ": " + name_of_rule(option.on_resume) +
             (option.by_contents ? ", by contents" : "") +
             (option.of_each_rank ? ", per rank" : "") + "\n";
  EXPECT_EQ(found, kRules);
}

TEST(Options, AreConsistent) {
  std::map<std::string, int> names;
  for (const Option& option : options()) {
    EXPECT_EQ(++names[option.name], 1) << option.name;
    EXPECT_THAT(option.help, Not(IsEmpty())) << option.name;
    EXPECT_NO_THROW(option.check_range(Config())) << option.name;
    for (const std::string& other : {option.needed.option, option.excluded_by})
      EXPECT_TRUE(other.empty() || find_option(other) != nullptr) << option.name << ": " << other;
    const bool is_about_zero = option.on_resume == ResumeRule::zero_fixed_in_run;
    EXPECT_TRUE(!is_about_zero || option.member->text(Config()) == "0") << option.name;
  }
}

// A valid text for the option that differs from its value in `config`.
std::string another_value(const Option& option, const Config& config) {
  const std::vector<std::string> words = [&] {
    std::string separated = option.value_name;
    for (char& c : separated) c = c == '|' ? ',' : c;
    return split_list("", separated);
  }();
  std::vector<std::string> candidates = {"1",  "2",        "0.5",  "0.25",       "8",   "1GiB",
                                         "1h", "flip 0.5", "a*:2", "2us,25GB/s", "52ms"};
  if (words.size() > 1) candidates.insert(candidates.begin(), words.begin(), words.end());
  for (const std::string& text : candidates) try {
      Config other = config;
      option.member->parse(other, "", text);
      option.check_range(other);
      if (!option.member->same(other, config)) return text;
    } catch (const UsageError&) {
      continue;
    }
  ADD_FAILURE() << "no other value found for --" << option.name;
  return "";
}

void set(Config& config, const std::string& name, const std::string& text) {
  option_named(name).member->parse(config, name, text);
}

// A config in which the option has an effect.
Config config_with_effect(const Option& option) {
  Config config;
  if (!option.needed.values.empty()) set(config, option.needed.option, option.needed.values[0]);
  return config;
}

TEST(Options, TextsComeBackAsTheSameValues) {
  for (const Option& option : options()) {
    Config config = config_with_effect(option), back = config, copy = config;
    set(config, option.name, another_value(option, config));
    set(back, option.name, option.member->text(config));
    EXPECT_EQ(back, config) << option.name;
    option.member->copy(copy, config);
    EXPECT_EQ(copy, config) << option.name;
    EXPECT_EQ(from_ini(to_ini(config)) == config, option.is_kept()) << option.name;
  }
}

// Ranks with different values are rejected, unless the option is per rank.
TEST(Options, AreWhatRanksAgreeOn) {
  const auto values = [](const Config& config) {
    std::map<std::string, std::string> named;
    for (const Fact& fact : facts_of(config)) named[fact.name] = fact.value;
    return named;
  };
  for (const Option& option : options()) {
    Config config;
    set(config, option.name, another_value(option, config));
    EXPECT_EQ(values(config) == values(Config()), option.of_each_rank) << option.name;
  }
}

// The error of resuming a run with `before` as `now`, within or at the end of an epoch; "" if
// allowed.
std::string refusal(const Config& before, const Config& now, bool inside_epoch) {
  try {
    check_resume({.config = before, .inside_epoch = inside_epoch, .checkpoint = "step-3.h5"}, now,
                 "data");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(ResumeRules, OfEveryOptionHold) {
  for (const Option& option : options()) {
    SCOPED_TRACE(option.name);
    const Config before = config_with_effect(option);
    Config now = before;
    const std::string value = another_value(option, before);
    set(now, option.name, value);
    const std::string inside = refusal(before, now, true), between = refusal(before, now, false);
    const std::string flag = "--" + option.name, old = option.member->text(before);
    switch (option.on_resume) {
      case ResumeRule::may_change:
      case ResumeRule::not_kept:
      case ResumeRule::fixed_by_state:
        EXPECT_EQ(inside, "");
        EXPECT_EQ(between, "");
        break;
      case ResumeRule::fixed_in_epoch:
        EXPECT_EQ(
            inside,
            flag +
                " can change only between epochs: step-3.h5 is from the middle of an epoch with " +
                flag + " " + old + ", found " + value);
        EXPECT_EQ(between, "");
        break;
      case ResumeRule::fixed_in_run:
        EXPECT_EQ(inside, flag + " cannot change within a run: step-3.h5 has " + flag + " " + old +
                              ", found " + value);
        EXPECT_EQ(between, inside);
        break;
      case ResumeRule::zero_fixed_in_run:
        EXPECT_EQ(inside, flag +
                              " cannot change between 0 and above 0 within a run: step-3.h5 has "
                              "0, found " +
                              value);
        EXPECT_EQ(between, inside);
        Config more = now;
        set(more, option.name, another_value(option, now));
        EXPECT_EQ(refusal(now, more, true), "");
        break;
    }
  }
}

// Options of momentum have no effect for an optimizer without it.
TEST(ResumeRules, DoNotHoldWhereAnOptionHasNoEffect) {
  Config before, now;
  set(before, "optimizer", "adam");
  now = before;
  set(now, "momentum", "0.5");
  EXPECT_EQ(refusal(before, now, true), "");
}

TEST(ResumeRules, DataAreComparedByWhatTheyHold) {
  Config moved;
  set(moved, "data", "./elsewhere");
  const auto refused = [&](const std::string& before, const std::string& now) {
    return message_of([&] {
      check_resume({.data = before, .inside_epoch = true, .checkpoint = "step-3.h5"}, moved, now);
    });
  };
  EXPECT_NO_THROW(check_resume({.data = "same", .inside_epoch = true}, moved, "same"));
  EXPECT_EQ(refused("a", "b"),
            "--data can change only between epochs: step-3.h5 is from the middle of an epoch with "
            "--data a, found "
            "b");
  // checkpoints of older versions contain only the name
  EXPECT_THAT(refused("", "b"), HasSubstr("with --data fashion-mnist, found ./elsewhere"));
}

// Real runs on the sample of 10,000 images.
class ResumedRun : public testing::Test {
 protected:
  void begin(const char* steps) const {
    const test::ProgramResult result =
        start({"--model", "mlp", "--data", test::source_dir() / "data/samples/fashion-mnist",
               "--batch-size", "100", "--max-steps", steps, "--out", run()});
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }
  test::ProgramResult resume(const Words& options) const {
    Words words = {"--resume", run()};
    words.insert(words.end(), options.begin(), options.end());
    return start(words);
  }
  std::string run() const { return folder_.path() / "run"; }

 private:
  static test::ProgramResult start(Words words) {
    words.insert(words.begin(), {"d2l-train", "--threads", "1"});
    return test::run_program(words, 60);
  }

  test::TemporaryFolder folder_;
};

TEST_F(ResumedRun, IsRefusedInsideAnEpochAndNothingIsLost) {
  begin("3");
  // Texts that another_value() cannot find.
  const std::map<std::string, std::string> texts = {
      {"normalize", "0.5:0.25"}, {"data", "synthetic"}, {"eval-transform", "center-crop 28"}};
  const ResumePoint point =
      resume_point(CheckpointStore::read(CheckpointStore::path_of(run() + "/checkpoints", 3)));
  EXPECT_TRUE(point.inside_epoch);
  int refused = 0;
  for (const Option& option : options()) {
    if (option.on_resume != ResumeRule::fixed_in_epoch || !option.has_effect(point.config))
      continue;
    const auto text = texts.find(option.name);
    const std::string value =
        text != texts.end() ? text->second : another_value(option, point.config);
    const test::ProgramResult result = resume({"--" + option.name, value, "--max-steps", "4"});
    EXPECT_EQ(result.exit_code, 2) << result.output;
    const std::string line =
        "d2l-train: error: --" + option.name + " can change only between epochs: ";
    EXPECT_THAT(result.output, HasSubstr(line));
    EXPECT_EQ(result.output.find('\n', result.output.find(line)), result.output.size() - 1)
        << result.output;
    ++refused;
  }
  EXPECT_EQ(refused, 9);
  EXPECT_EQ(resume({"--max-steps", "4"}).exit_code, 0);
}

TEST_F(ResumedRun, TakesFreeOptionsInsideAnEpochAndTheOthersAtItsEnd) {
  begin("3");
  const Words rates = {"--lr-mult", "*:0.5", "--head-lr-mult", "2", "--lr-decay-by-depth", "0.5"};
  const test::ProgramResult inside =
      resume(rates +
             Words{"--max-steps",       "0",   "--epochs",    "1",       "--lr",           "0.05",
                   "--clip-norm",       "1",   "--decay",     "weights", "--weight-decay", "0.1",
                   "--accumulate",      "2",   "--freeze",    "*.bias",  "--schedule",     "cosine",
                   "--label-smoothing", "0.1", "--precision", "bf16"});
  EXPECT_EQ(inside.exit_code, 0) << inside.output;
  const test::ProgramResult at_the_end =
      resume({"--epochs", "2", "--batch-size", "64", "--seed", "1", "--augment", "flip 0.5"});
  EXPECT_EQ(at_the_end.exit_code, 0) << at_the_end.output;
  EXPECT_THAT(at_the_end.output, HasSubstr("epoch 2/2"));
}

}  // namespace
}  // namespace d2l::launcher
