#pragma once

#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "framework/base/error.h"
#include "launcher/config.h"

namespace d2l::launcher {

// What one option is: its flag, its place in --help and in the config file, the values it takes.
// The setters below read as sentences in the table.
struct Option {
  using Member = std::variant<std::string Config::*, int64_t Config::*, uint64_t Config::*,
                              int Config::*, double Config::*, bool Config::*>;

  // `value` is what --help calls it.
  Option(std::string in_group, std::string flag, std::string value_name, std::string meaning,
         Member of_config)
      : group(std::move(in_group)),
        name(std::move(flag)),
        value(std::move(value_name)),
        help(std::move(meaning)),
        member(of_config) {}

  // Bounds of numbers; without them whole numbers are at least 0, others finite.
  Option from(double number) && {
    return with([&](Option& o) { o.least = number; });
  }
  Option up_to(double number) && {
    return with([&](Option& o) { o.most = number; });
  }
  Option above(double number) && {
    return with([&](Option& o) { o.least = number, o.least_excluded = true; });
  }
  Option below(double number) && {
    return with([&](Option& o) { o.most = number, o.most_excluded = true; });
  }
  // The words it takes.
  Option one_of(std::vector<std::string> choices) && {
    return with([&](Option& o) { o.words = std::move(choices); });
  }
  // It has an effect only where `other` is one of `values`.
  Option only_with(std::string other, std::vector<std::string> values) && {
    return with([&](Option& o) { o.needed = {std::move(other), std::move(values)}; });
  }
  // Not in the config file that a run keeps.
  Option not_stored() && {
    return with([](Option& o) { o.stored = false; });
  }

  // In the config file that a run keeps, and nowhere else: no flag, and not for a user's file.
  Option of_the_run() && {
    return with([](Option& o) { o.is_flag = false; });
  }

  // Ranks of a job may have different ones.
  Option per_rank() && {
    return with([](Option& o) { o.of_each_rank = true; });
  }
  // A path, in which `~/` and, in files, variables are replaced (path_text.h).
  Option path() && {
    return with([](Option& o) { o.is_path = true; });
  }

  struct Needed {
    std::string option;
    std::vector<std::string> values;
  };

  std::string group, name, value, help;
  Member member;
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_excluded = false, most_excluded = false;
  std::vector<std::string> words;
  Needed needed;
  bool stored = true, of_each_rank = false, is_path = false, is_flag = true;

 private:
  template <class Change>
  Option with(const Change& change) {
    change(*this);
    return std::move(*this);
  }
};

const std::vector<Option>& options();
const Option* find_option(const std::string& name);   // nullptr: there is none
const Option& option_named(const std::string& name);  // one that exists

std::string text_of(const Config& config, const Option& option);
// `label` is what errors call the option: "--lr" or "train.ini:3: lr". Throws UsageError.
void set(Config& config, const Option& option, const std::string& label, const std::string& text);
void copy(Config& to, const Config& from, const Option& option);

template <class... Parts>
[[noreturn]] void usage(const Parts&... parts) {
  throw UsageError(concat(parts...));
}

}  // namespace d2l::launcher
