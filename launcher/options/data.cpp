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
           "dataset: " + join(data::dataset_names(), ", ") +
               "; synthetic-HxWxC, generated images of this size, for example synthetic-224x224x3; "
               "or the path of a folder of shards (./NAME if the folder has the same name as a "
               "dataset)")
      .path()
      .per_rank()
      .compared_by_contents();
  group
      .add("data-dir", "DIR", &DataConfig::folder, may_change,
           "folder that contains the files of the dataset, directly or in a subfolder with the "
           "name of the dataset")
      .path()
      .per_rank();
  group
      .add("resize", "N", &DataConfig::resize, fixed_in_epoch,
           "resize images to N x N by bilinear interpolation; 0: keep their size")
      .up_to(4096);
  return group.options();
}

void check_data(const Config& config, const Given& /*given*/) {
  if (config.data.name.empty()) usage("--data expects the name of a dataset, found none");
}

}  // namespace d2l::launcher
