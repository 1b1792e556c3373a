#include <algorithm>
#include <cmath>
#include <type_traits>

#include "launcher/config.h"
#include "launcher/length.h"
#include "launcher/normalization.h"
#include "launcher/options.h"
#include "models/zoo.h"

namespace d2l::launcher {
namespace {

// {"a", "b", "c"} -> "a, b or c"
std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void check_whole(const Option& option, int64_t value) {
  const double least = std::max(option.least, 0.0);
  if (static_cast<double>(value) < least)
    usage("--", option.name, " expects a number of at least ", least, ", found ", value);
  if (static_cast<double>(value) > option.most)
    usage("--", option.name, " expects a number of at most ", static_cast<int64_t>(option.most),
          ", found ", value);
}

void check_real(const Option& option, double value) {
  const bool high_enough = option.least_excluded ? value > option.least : value >= option.least;
  const bool low_enough = option.most_excluded ? value < option.most : value <= option.most;
  if (std::isfinite(value) && high_enough && low_enough) return;
  const char* lower = option.least_excluded ? "above " : "of at least ";
  if (std::isinf(option.most))
    usage("--", option.name, " expects a finite number ", lower, option.least, ", found ", value);
  usage("--", option.name, " expects a number ", option.least_excluded ? "above " : "from ",
        option.least, option.most_excluded ? " to below " : " to ", option.most, ", found ", value);
}

bool is_default(const Config& config, const Option& option) {
  return text_of(config, option) == text_of(Config(), option);
}

void check_words(const Option& option, const std::string& value) {
  if (option.words.empty() || contains(option.words, value)) return;
  if (value == text_of(Config(), option)) return;  // not given
  usage("--", option.name, " expects ", alternatives(option.words), ", found '", value, "'");
}

void check_value(const Config& config, const Option& option) {
  std::visit(
      [&](auto member) {
        using Value = std::decay_t<decltype(config.*member)>;
        if constexpr (std::is_same_v<Value, std::string>)
          check_words(option, config.*member);
        else if constexpr (std::is_floating_point_v<Value>)
          check_real(option, config.*member);
        else if constexpr (std::is_signed_v<Value>)
          check_whole(option, config.*member);
      },
      option.member);
}

// What somebody asks for and would not get.
void check_effect(const Config& config, const Option& option) {
  if (option.needed.values.empty() || is_default(config, option)) return;
  const std::string& other = option.needed.option;
  const std::string found = text_of(config, option_named(other));
  if (contains(option.needed.values, found)) return;
  usage("--", option.name, " has no effect with --", other, " ", found, ", only with ",
        alternatives(option.needed.values));
}

void check_optimizer(const Config& config, const std::set<std::string>& given) {
  const bool moves = config.optimizer == "sgd" || config.optimizer == "lars";
  if (moves && config.nesterov && config.momentum == 0)
    usage("--nesterov on expects a --momentum above 0, found 0");
  if (config.epsilon > 0 && config.epsilon < 1e-30)
    usage("--epsilon expects 0 or at least 1e-30, found ", config.epsilon);
  const bool adapts = config.optimizer == "lars" || config.optimizer == "lamb";
  if (given.count("decay") && config.decay == "weights" && config.weight_decay == 0 && !adapts)
    usage("--decay weights has no effect without --weight-decay");
}

void check_schedule(const Config& config) {
  const Length warmup = parse_length("--warmup", config.warmup);
  if (warmup.number == 0 && config.warmup_start != 0)
    usage("--warmup-start has no effect without --warmup");
  if (config.warmup_start > config.lr)
    usage("--warmup-start expects at most --lr ", config.lr, ", found ", config.warmup_start);
  if (config.final_lr > config.lr)
    usage("--final-lr expects at most --lr ", config.lr, ", found ", config.final_lr);
  if (config.schedule == "step") {
    if (config.step_every.empty()) usage("--schedule step expects --step-every, found none");
    if (parse_length("--step-every", config.step_every).number == 0)
      usage("--step-every expects a time above 0, found '", config.step_every, "'");
  }
  if (config.schedule == "multistep") {
    if (config.milestones.empty()) usage("--schedule multistep expects --milestones, found none");
    parse_lengths("--milestones", config.milestones);
  }
}

// Measuring leaves nothing behind, and looks at no test data.
void check_time(const Config& config, const std::set<std::string>& given) {
  if (config.time == 0) return;
  for (const char* name :
       {"out", "resume", "from", "save-every", "keep", "eval-every", "log-every", "max-steps"})
    if (given.count(name) && !is_default(config, option_named(name)))
      usage("--", name, " has no effect with --time");
}

}  // namespace

void check_values(const Config& config) {
  for (const Option& option : options()) check_value(config, option);
}

void validate(const Config& config, const std::set<std::string>& given) {
  if (config.model.empty() && config.recipe.empty())
    usage("expected --model NAME or --recipe NAME, found neither");
  models::check_model_name(config.model);
  check_values(config);
  for (const Option& option : options())
    if (given.count(option.name)) check_effect(config, option);
  if (config.data.empty()) usage("--data expects the name of a data set, found none");
  if (!config.from.empty() && config.resume.empty())
    usage("--from ", config.from, " has no effect without --resume");
  split_list("--freeze", config.freeze);
  parse_normalisation(config.normalize);
  if (config.sync_bn && config.accumulate > 1)
    usage("--sync-bn on expects --accumulate 1, found ", config.accumulate);
  check_optimizer(config, given);
  check_schedule(config);
  check_time(config, given);
}

}  // namespace d2l::launcher
