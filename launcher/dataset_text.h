#pragma once

#include <string>

#include "data/dataset.h"

namespace d2l::launcher {

// The sizes of a sample: "28x28x1" of an image, "331" of a row.
std::string sizes_text(const Shape& shape);

// What a checkpoint says about the training data, so that its network can be used without them:
// name, shape, classes and their names, mean and deviation. Without DatasetInfo::table, which is a
// text of its own. `name = value` lines; docs/checkpoint-format.md describes them.
std::string dataset_text(const data::DatasetInfo& info);

// Reads it back; `samples` is 0. `source`: the file, for messages. Throws Error for other texts.
data::DatasetInfo parse_dataset_text(const std::string& text, const std::string& source);

}  // namespace d2l::launcher
