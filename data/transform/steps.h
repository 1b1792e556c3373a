#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/transform/pipeline.h"

namespace d2l::data {

// What the steps of a Pipeline's text set.
struct StepValues {
  HostSteps host;
  Augmentation device;
};

// The words of one step: a name, values, then named values in any order.
class StepWords {
 public:
  explicit StepWords(const std::string& text);  // throws Error for a text without words

  const std::string& text() const { return text_; }  // words separated by single spaces
  const std::string& name() const { return words_[0]; }

  // Each reads the next value and throws Error if there is none or if it is not what is expected.
  double number(const std::string& meaning, double least, double most);
  int64_t integer(const std::string& meaning, int64_t least, int64_t most);
  // N or HxW; width 0 for N.
  struct Size {
    int64_t height = 0, width = 0;
  };
  Size size();

  // Whether the next word is a name of `names`, which is then skipped. Throws Error for another
  // word.
  bool next_is_one_of(const std::vector<std::string>& names, std::string& found);
  Interval interval(double least, double most);  // LOW..HIGH
  Filter filter();
  void end() const;  // throws Error if words are left

 private:
  const std::string& next(const std::string& expected);
  [[noreturn]] void fail_value(const std::string& expected, const std::string& found) const;

  std::string text_;
  std::vector<std::string> words_;
  size_t at_ = 1;
  std::vector<std::string> seen_;  // named values
};

// The shortest text that is read back to the same number: "0.25", "4/3".
std::string number_text(double number);

// When a step is applied. Those of one place may be written in any order.
enum class StepPlace { resize, crop, rand_augment, pad_crop, flip, colour, erasing, mixing };

// One kind of step.
struct StepRule {
  std::string name;
  StepPlace place;
  std::function<void(StepWords&, StepValues&)> read;
  std::function<std::string(const StepValues&)> text;  // "" if the step is absent
};

const std::vector<StepRule>& step_rules();  // in order

}  // namespace d2l::data
