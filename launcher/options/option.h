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

// Names of options: those of the command line and of the --config file.
using Given = std::set<std::string>;

// Whether a resumed run may have another value of an option. Each option declares it.
enum class ResumeRule {
  may_change,      // at any step; the new value counts from then on
  fixed_in_epoch,  // at the end of an epoch only: it decides what the rest of the epoch trains on
  fixed_in_run,    // never: it decides what the state in a checkpoint means
  // Not from 0, its default, to more or back: it decides what the state consists of.
  zero_fixed_in_run,
  not_kept,  // belongs to one start and not to the run, whose config file does not have it
};

// The most of anything that is counted: products of two such numbers fit into 64 bits.
inline constexpr double kMostCounted = 1e9;

// The bounds of a number. Whole numbers also have to be at least 0, others finite.
struct NumberRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_excluded = false, most_excluded = false;

  // `option` is its name. Throw UsageError.
  void check(const std::string& option, int64_t value) const;
  void check(const std::string& option, double value) const;
};

// One member of Config, whatever its type.
class ConfigMember {
 public:
  virtual ~ConfigMember() = default;
  virtual std::string text(const Config& config) const = 0;
  // `label` is what errors call the option. Throws UsageError.
  virtual void parse(Config& config, const std::string& label, const std::string& text) const = 0;
  virtual void copy(Config& to, const Config& from) const = 0;
  virtual bool same(const Config& a, const Config& b) const = 0;
  // Numbers only. Throws UsageError.
  virtual void check(const Config& config, const std::string& option,
                     const NumberRange& range) const = 0;
};

// Everything about one option. The command line, --help, config files, the agreement of ranks and
// the checks of a resume are made from it. Setters return the option, for declarations in a line.
struct Option {
  Option& from(double number);
  Option& up_to(double number);
  Option& above(double number);
  Option& below(double number);
  // It has an effect only where the option `other` has one of these values.
  template <class Enum>
  Option& only_with(const std::string& other, std::initializer_list<Enum> values) {
    needed.option = other;
    for (const Enum value : values) needed.values.push_back(word_of(value));
    return *this;
  }
  // It has no effect where the option `other` is not at its default.
  Option& not_with(const std::string& other);
  // It is only in the config file that a run keeps: not a flag, and ignored in a user's file.
  Option& no_flag();
  // Ranks of a job may have different ones.
  Option& per_rank();
  // A resume compares what the data hold, if that is known, and not their name.
  Option& compared_by_contents();
  // A path, in which `~/` and, in files, variables are replaced (path_text.h).
  Option& path();
  // `--name=` is valid.
  Option& may_be_empty();

  bool is_kept() const { return on_resume != ResumeRule::not_kept; }
  bool is_default(const Config& config) const;
  // Whether only_with() is met.
  bool has_effect(const Config& config) const;
  // Throws UsageError for a number that is out of its range.
  void check_range(const Config& config) const;
  // Throws UsageError where it is not at its default and has no effect.
  void check_effect(const Config& config) const;

  struct Needed {
    std::string option;
    std::vector<std::string> values;  // empty: nothing is needed
  };

  std::string group, name, value_name, help;  // `value_name`: what --help calls its value
  ResumeRule on_resume;
  std::shared_ptr<const ConfigMember> member;
  NumberRange range = {};
  Needed needed = {};
  std::string excluded_by = {};  // "": nothing
  bool of_each_rank = false, by_contents = false, is_path = false, is_flag = true,
       takes_empty = false;
};

}  // namespace d2l::launcher
