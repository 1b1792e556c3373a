#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// The data sets that d2l knows by name, for help texts.
std::vector<std::string> dataset_names();

// Whether `data` is meant to be the path of a folder: it has a '/', or is no name that
// open_dataset() knows but that of a folder here. What lies in the current folder never changes
// what a known name means.
bool names_a_folder(const std::string& data);

// Opens one split of a data set: a known name, "synthetic-HxWxC" for made-up images of that size,
// or the path of a folder that holds shards, or that is named after a known data set and holds its
// original files. Files of a known name are looked for in <data_dir>/<name> and in <data_dir>:
// shards first, then the original files, compressed or not. Throws Error that lists the places
// searched and what they hold, or, for an unknown name, the nearest known one.
std::unique_ptr<Dataset> open_dataset(const std::string& name_or_folder,
                                      const std::filesystem::path& data_dir, Split split);

// IDX files of a data set that is not in the catalog: train- or t10k-images-idx3-ubyte with the
// labels beside it. It has as many classes as the training labels name.
std::unique_ptr<Dataset> open_idx_folder(const std::filesystem::path& folder, Split split,
                                         const std::string& name);

}  // namespace d2l::data
