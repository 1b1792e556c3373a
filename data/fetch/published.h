#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace d2l::data {

// A file whose exact content is known.
struct PublishedFile {
  std::string name;
  uint64_t bytes = 0;
  std::string sha256;  // 64 lower-case hexadecimal digits
};

// A dataset that can be downloaded.
struct PublishedDataset {
  std::string name;  // as in catalog.h; also the folder for the files
  // Base URLs that end with "/", in the order in which they are tried: URL + name is a file.
  std::vector<std::string> mirrors;
  // The files that the mirrors have: either those that a user needs, or one archive with them.
  std::vector<PublishedFile> downloads;
  // If there is an archive: the files in it that are needed, and their folder in it, with "/".
  std::vector<PublishedFile> members;
  std::string folder_in_archive;
};

// All datasets that can be downloaded.
const std::vector<PublishedDataset>& published_datasets();

}  // namespace d2l::data
