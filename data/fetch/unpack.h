#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/fetch/published.h"

namespace d2l::data {

struct UnpackOptions {
  // Called when all files are on disk, before they get their names. If it throws, they do not.
  std::function<void()> before_rename = [] {};
  // Called for each MiB. Returning false stops everything with Error.
  std::function<bool()> go_on = [] { return true; };
};

// Unpacks `members` of dataset.members from the archive, a tar file compressed with gzip, into
// `folder`. The files appear together, when all of them have the right digest and are on disk.
// Until then they have names of unused_name_beside(). Throws Error if the archive does not have the
// files or they cannot be written, and leaves none then.
void unpack_members(const std::filesystem::path& archive, const PublishedDataset& dataset,
                    const std::vector<PublishedFile>& members, const std::filesystem::path& folder,
                    const UnpackOptions& options);

}  // namespace d2l::data
