#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/packing/image_form.h"
#include "data/packing/source.h"

namespace d2l::data {

enum class ItemOrder {
  source,  // as the source has them: sorted by class and name, or as in the list
  random,  // a function of the seed and the items' names
};

struct SelectionOptions {
  std::optional<Split> split{};  // only this one
  double valid = 0;              // this part of each class of `train` becomes `test`; 0: none
  int64_t limit = 0;             // only the first items of each split; 0: all
  uint64_t seed = 0;
  ItemOrder order = ItemOrder::source;
};

// The items to pack, by split. A function of the content and the options alone. Throws UsageError
// for a split that does not exist, for `valid` if the source has a split `test`, and for a limit
// that is larger than all splits.
struct Selection {
  std::vector<PackItem> train, test;

  const std::vector<PackItem>& items(Split split) const {
    return split == Split::train ? train : test;
  }
};
Selection select_items(const SourceContent& content, const SelectionOptions& options);

// The shape of the dataset that results: height, width and channels; height and width are 0 if the
// images differ in size. `channels` 0: 3, or 1 if all images are grey. The same for one split as
// for both.
Shape packed_shape(const SourceContent& content, ImageForm& form, int64_t channels);

}  // namespace d2l::data
