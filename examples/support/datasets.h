#pragma once

#include <memory>
#include <string>

#include "data/catalog.h"

namespace d2l::examples {

// Fashion-MNIST and other known datasets, from the folder in the variable D2L_DATA_DIR or else from
// data/, where `d2l-data fetch fashion-mnist --data-dir data` puts it. Throws Error.
std::shared_ptr<const data::Dataset> open(const std::string& name, data::Split split);

}  // namespace d2l::examples
