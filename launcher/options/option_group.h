#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "framework/base/text.h"
#include "launcher/options/automatic.h"
#include "launcher/options/config.h"
#include "launcher/options/lr_multiplier.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

template <class Group, class Value>
class GroupMember final : public ConfigMember {
 public:
  GroupMember(Group Config::*group, Value Group::*value) : group_(group), value_(value) {}

  std::string text(const Config& config) const override { return text_of(of(config)); }
  void parse(Config& config, const std::string& label, const std::string& text) const override {
    launcher::parse(label, text, config.*group_.*value_);
  }
  void copy(Config& to, const Config& from) const override { to.*group_.*value_ = of(from); }
  bool same(const Config& a, const Config& b) const override { return of(a) == of(b); }
  void check(const Config& config, const std::string& option,
             const NumberRange& range) const override {
    if constexpr (std::is_floating_point_v<Value>)
      range.check(option, of(config));
    else if constexpr (std::is_integral_v<Value> && std::is_signed_v<Value>)
      range.check(option, int64_t{of(config)});
  }

 private:
  const Value& of(const Config& config) const { return config.*group_.*value_; }

  Group Config::*group_;
  Value Group::*value_;
};

// Declares the options of one group of --help; their values are members of a struct.
template <class Group>
class OptionGroup {
 public:
  OptionGroup(std::string title, Group Config::*group) : title_(std::move(title)), group_(group) {}

  // `value`: the name of the value in --help.
  template <class Value>
  Option& add(const char* name, const char* value, Value Group::*member, ResumeRule on_resume,
              const std::string& help) {
    return declare(name, value, member, on_resume, help);
  }

  // The value is one of an enum's words; its name in --help is "a|b|c".
  template <class Value>
  requires std::is_enum_v<Value> Option& add(const char* name, Value Group::*member,
                                             ResumeRule on_resume, const std::string& help) {
    return declare(name, join(written_words<Value>(), "|"), member, on_resume, help);
  }

  Option& add(const char* name, bool Group::*member, ResumeRule on_resume,
              const std::string& help) {
    return declare(name, "on|off", member, on_resume, help);
  }

  const std::vector<Option>& options() const { return options_; }

 private:
  template <class Value>
  Option& declare(const std::string& name, const std::string& value, Value Group::*member,
                  ResumeRule on_resume, const std::string& help) {
    return options_.emplace_back(
        Option{.group = title_,
               .name = name,
               .value_name = value,
               .help = help,
               .on_resume = on_resume,
               .member = std::make_shared<GroupMember<Group, Value>>(group_, member)});
  }

  std::string title_;
  Group Config::*group_;
  std::vector<Option> options_;
};

}  // namespace d2l::launcher
