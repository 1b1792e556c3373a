#include "launcher/options/option.h"

#include <algorithm>
#include <cmath>

#include "launcher/options/config.h"
#include "launcher/options/options.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

void NumberRange::check(const std::string& option, int64_t value) const {
  const double lowest = std::max(least, 0.0);
  if (static_cast<double>(value) < lowest)
    usage("--", option, " expects a number of at least ", lowest, ", found ", value);
  if (static_cast<double>(value) > most)
    usage("--", option, " expects a number of at most ", static_cast<int64_t>(most), ", found ",
          value);
}

void NumberRange::check(const std::string& option, double value) const {
  const bool high_enough = least_excluded ? value > least : value >= least;
  const bool low_enough = most_excluded ? value < most : value <= most;
  if (std::isfinite(value) && high_enough && low_enough) return;
  if (std::isinf(most))
    usage("--", option, " expects a finite number ", least_excluded ? "above " : "of at least ",
          least, ", found ", value);
  usage("--", option, " expects a number ", least_excluded ? "above " : "from ", least,
        most_excluded ? " to below " : " to ", most, ", found ", value);
}

Option& Option::from(double number) {
  range.least = number;
  return *this;
}

Option& Option::up_to(double number) {
  range.most = number;
  return *this;
}

Option& Option::above(double number) {
  range.least_excluded = true;
  return from(number);
}

Option& Option::below(double number) {
  range.most_excluded = true;
  return up_to(number);
}

Option& Option::not_with(const std::string& other) {
  excluded_by = other;
  return *this;
}

Option& Option::no_flag() {
  is_flag = false;
  return *this;
}

Option& Option::per_rank() {
  of_each_rank = true;
  return *this;
}

Option& Option::compared_by_contents() {
  by_contents = true;
  return *this;
}

Option& Option::path() {
  is_path = true;
  return *this;
}

Option& Option::may_be_empty() {
  takes_empty = true;
  return *this;
}

bool Option::is_default(const Config& config) const { return member->same(config, Config()); }

bool Option::has_effect(const Config& config) const {
  if (needed.values.empty()) return true;
  const std::string found = option_named(needed.option).member->text(config);
  return std::find(needed.values.begin(), needed.values.end(), found) != needed.values.end();
}

void Option::check_range(const Config& config) const { member->check(config, name, range); }

void Option::check_effect(const Config& config) const {
  if (is_default(config)) return;
  if (!has_effect(config))
    usage("--", name, " has no effect with --", needed.option, " ",
          option_named(needed.option).member->text(config), ", only with ",
          alternatives(needed.values));
  if (!excluded_by.empty() && !option_named(excluded_by).is_default(config))
    usage("--", name, " has no effect with --", excluded_by);
}

}  // namespace d2l::launcher
