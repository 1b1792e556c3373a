#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/fetch/published.h"
#include "data/fetch/sha256.h"
#include "framework/base/files.h"
#include "framework/base/rng.h"
#include "tests/data/fetch/http_server.h"
#include "tests/support/support.h"

namespace d2l::data::test {

using namespace d2l::test;

// Bytes like noise.
inline std::string noise_text(size_t count, uint64_t seed = 7) {
  std::string text(count, '\0');
  for (size_t i = 0; i < count; ++i) text[i] = static_cast<char>(random_word({seed, 1}, i) >> 24);
  return text;
}

inline PublishedFile published(const std::string& name, const std::string& content) {
  Sha256 sha256;
  sha256.add(content.data(), content.size());
  return {name, content.size(), sha256.digest()};
}

// A tar file, compressed with gzip.
inline std::string tar_gz(const std::filesystem::path& scratch,
                          const std::vector<std::pair<std::string, std::string>>& files) {
  archive* writer = archive_write_new();
  archive_write_add_filter_gzip(writer);
  archive_write_set_format_ustar(writer);
  archive_write_open_filename(writer, scratch.c_str());
  for (const auto& [name, content] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_free(writer);
  std::string bytes = read_text_file(scratch);
  std::filesystem::remove(scratch);
  return bytes;
}

// The names of the folder's entries, sorted.
inline std::vector<std::string> entries_of(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  if (std::filesystem::exists(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace d2l::data::test
