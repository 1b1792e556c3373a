#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

struct DataConfig {
  std::string name = "fashion-mnist";  // or a folder of shards
  std::string folder = ".";            // folder with the files of named datasets
  int64_t resize = 0;                  // images become resize x resize; 0: not resized

  bool operator==(const DataConfig&) const = default;
};

std::vector<Option> data_options();
void check_data(const Config& config, const Given& given);

}  // namespace d2l::launcher
