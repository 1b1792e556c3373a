#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/fetch/download.h"
#include "data/fetch/published.h"

namespace d2l::data {

struct FetchOptions {
  std::vector<std::string> mirrors;  // base URLs; if there are any, instead of the dataset's own
  DownloadOptions download;
  // Receives one line for each file: what was done with it.
  std::function<void(const std::string& line)> say = [](const std::string&) {};
};

// Brings all files of a dataset into the folder, which is made if necessary. A file gets its name
// when it is complete, has the right digest and is on disk. Files that are there already stay. An
// archive is unpacked and then removed, unless the caller has put it there. Only one process at a
// time fetches into a folder. Throws Error if a file cannot be had, or if a file is there that is
// not the published one: it is not overwritten. See download_file() for what remains then.
void fetch_dataset(const PublishedDataset& dataset, const std::filesystem::path& folder,
                   const FetchOptions& options);

}  // namespace d2l::data
