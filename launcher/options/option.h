#pragma once

#include <initializer_list>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "launcher/options/values.h"

namespace d2l::launcher {

struct Config;

// Names of the options set on the command line or in the --config file.
using Given = std::set<std::string>;

// Whether a resumed run may change the value of an option. Each option declares its rule.
enum class ResumeRule {
  may_change,      // at any step; the new value applies from there on
  fixed_in_epoch,  // only between epochs: it determines the data of the rest of the epoch
  fixed_in_run,    // never: it determines the meaning of the state in a checkpoint
  // Not between 0 (its default) and other values: it determines which state exists.
  zero_fixed_in_run,
  // Never: the state in a checkpoint names the value. TrainingState::restore() compares it, so that
  // the default may be written out.
  fixed_by_state,
  not_kept,  // belongs to one start, not to the run: not in the run's config file
};

// The largest count of anything: products of two counts fit into 64 bits.
inline constexpr double kMostCounted = 1e9;

// The bounds of a number. In addition, integers must be at least 0 and other numbers finite.
struct NumberRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_excluded = false, most_excluded = false;

  // `option`: its name. Throw UsageError.
  void check(const std::string& option, int64_t value) const;
  void check(const std::string& option, double value) const;
};

// One member of Config, of any type.
class ConfigMember {
 public:
  virtual ~ConfigMember() = default;
  virtual std::string text(const Config& config) const = 0;
  // `label` names the option in errors. Throws UsageError.
  virtual void parse(Config& config, const std::string& label, const std::string& text) const = 0;
  virtual void copy(Config& to, const Config& from) const = 0;
  virtual bool same(const Config& a, const Config& b) const = 0;
  // Checks the range of numbers; nothing for other types. Throws UsageError.
  virtual void check(const Config& config, const std::string& option,
                     const NumberRange& range) const = 0;
};

// The declaration of one option. The command line, --help, config files, the agreement between
// ranks and the checks of a resume are derived from it. Setters return the option, so that calls
// can be chained.
struct Option {
  Option& from(double number);
  Option& up_to(double number);
  Option& above(double number);
  Option& below(double number);
  // It has an effect only if the option `other` has one of these values.
  template <class Enum>
  Option& only_with(const std::string& other, std::initializer_list<Enum> values) {
    needed.option = other;
    for (const Enum value : values) needed.values.push_back(word_of(value));
    return *this;
  }
  // It has no effect if the option `other` differs from its default.
  Option& not_with(const std::string& other);
  // Only for the config file that a run keeps: not a flag, and ignored in a user's file.
  Option& no_flag();
  // Ranks of a job may have different values.
  Option& per_rank();
  // A resume compares the data's content, if known, instead of their name.
  Option& compared_by_contents();
  // A path: `~/` and, in files, variables are expanded (path_text.h).
  Option& path();
  // `--name=` is valid.
  Option& may_be_empty();

  bool is_kept() const { return on_resume != ResumeRule::not_kept; }
  bool is_default(const Config& config) const;
  // Whether only_with() is met.
  bool has_effect(const Config& config) const;
  // Throws UsageError for a number out of its range.
  void check_range(const Config& config) const;
  // Throws UsageError if it differs from its default and has no effect.
  void check_effect(const Config& config) const;

  struct Needed {
    std::string option;
    std::vector<std::string> values;  // empty: no condition
  };

  std::string group, name, value_name, help;  // `value_name`: the value in --help
  ResumeRule on_resume;
  std::shared_ptr<const ConfigMember> member;
  NumberRange range = {};
  Needed needed = {};
  std::string excluded_by = {};  // "": none
  bool of_each_rank = false, by_contents = false, is_path = false, is_flag = true,
       takes_empty = false;
};

}  // namespace d2l::launcher
