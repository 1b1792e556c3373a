#include "launcher/options/data.h"

#include "data/catalog.h"
#include "framework/base/text.h"
#include "launcher/options/option_group.h"
#include "launcher/options/usage.h"

namespace d2l::launcher {

std::vector<Option> data_options() {
  using enum ResumeRule;
  OptionGroup group("Data", &Config::data);
  group
      .add("data", "NAME", &DataConfig::name, fixed_in_epoch,
           "the data set: " + join(data::dataset_names(), ", ") +
               "; or a folder of shards, written ./NAME if it is called like one of these")
      .path()
      .per_rank()
      .compared_by_contents();
  group.add("data-dir", "DIR", &DataConfig::folder, may_change, "where the data set's files are")
      .path()
      .per_rank();
  group
      .add("resize", "N", &DataConfig::resize, fixed_in_epoch,
           "make images N x N by bilinear interpolation; 0: leave them as they are")
      .up_to(4096);
  return group.options();
}

void check_data(const Config& config, const Given& /*given*/) {
  if (config.data.name.empty()) usage("--data expects the name of a data set, found none");
}

}  // namespace d2l::launcher
