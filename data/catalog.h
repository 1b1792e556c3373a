#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/shards/shard_dataset.h"

namespace d2l::data {

// The names of the datasets in the catalog, for help texts.
std::vector<std::string> dataset_names();

// Whether open_dataset() knows the name: one of dataset_names() or "synthetic-HxWxC".
bool is_dataset_name(const std::string& name);

// Whether `data` is the path of a folder: it contains a '/', or it is not a name that
// open_dataset() knows and a folder of that name exists. A known name never means a folder,
// whatever the current folder contains.
bool names_a_folder(const std::string& data);

// Opens one split of a dataset: a known name, "synthetic-HxWxC" for generated images of that size,
// or the path of a folder that contains shards or a packed table, or that is named after a known
// dataset and contains its original files. Files of a known name are searched in <data_dir>/<name>
// and in <data_dir>: first shards, then the original files, compressed or not. Throws Error that
// lists the searched folders and their contents, or the nearest known name for an unknown one.
std::unique_ptr<Dataset> open_dataset(const std::string& name_or_folder,
                                      const std::filesystem::path& data_dir, Split split,
                                      const ShardDatasetOptions& shards = {});

// The same, but returns nullptr if there are no files of this split, or no such dataset.
std::unique_ptr<Dataset> find_dataset(const std::string& name_or_folder,
                                      const std::filesystem::path& data_dir, Split split,
                                      const ShardDatasetOptions& shards = {});

// Opens IDX files of a dataset that is not in the catalog: train- or t10k-images-idx3-ubyte with
// their labels. The number of classes is the largest training label plus 1.
std::unique_ptr<Dataset> open_idx_folder(const std::filesystem::path& folder, Split split,
                                         const std::string& name);

}  // namespace d2l::data
