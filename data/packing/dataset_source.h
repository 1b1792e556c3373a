#pragma once

#include <memory>

#include "data/packing/source.h"

namespace d2l::data {

// The samples of a dataset; one of the splits may be missing. Throws Error if the splits differ in
// classes or channels.
std::unique_ptr<PackSource> make_dataset_source(std::unique_ptr<Dataset> train,
                                                std::unique_ptr<Dataset> test);

}  // namespace d2l::data
