#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

enum class InitChoice { by_model, xavier, normal };
template <>
const WordTable<InitChoice>& words_of();

struct ModelConfig {
  std::string name;    // in the zoo; "": the recipe's
  std::string recipe;  // "": none
  InitChoice init = InitChoice::by_model;
  int64_t width = 1;    // divides the model's channels
  std::string weights;  // file or run folder; "": the network's own initial values

  bool operator==(const ModelConfig&) const = default;
};

std::vector<Option> model_options();
void check_model(const Config& config, const Given& given);

}  // namespace d2l::launcher
