#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/loading/loader.h"
#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

enum class ShuffleChoice { global, blocks };
template <>
const WordTable<ShuffleChoice>& words_of();
template <>
const WordTable<data::OnBadSample>& words_of();

struct DataConfig {
  std::string name = "fashion-mnist";  // or a folder of shards
  std::string folder = ".";            // folder with the files of named datasets
  int64_t resize = 0;                  // images become resize x resize; 0: not resized
  ShuffleChoice shuffle = ShuffleChoice::global;
  int64_t shuffle_window = data::Sampler::kDefaultWindow;  // blocks
  data::OnBadSample on_bad_sample = data::OnBadSample::fail;

  bool operator==(const DataConfig&) const = default;
};

std::vector<Option> data_options();
void check_data(const Config& config, const Given& given);

}  // namespace d2l::launcher
