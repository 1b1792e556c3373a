#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/fetch/http.h"
#include "data/fetch/published.h"

namespace d2l::data {

struct DownloadOptions {
  // A failure that may pass is tried again, so often for each mirror. Attempts that bring the file
  // at least 64 KiB further do not count.
  int attempts = 5;
  std::chrono::milliseconds first_pause{1000};  // before the second attempt; doubles each time
  std::chrono::seconds stall{30};               // see HttpRequest
  // Receives one line for each failure that is not the end.
  std::function<void(const std::string& line)> warn = [](const std::string&) {};
  // Called at least once a second: so many bytes of the file are here.
  std::function<void(const PublishedFile& file, uint64_t have)> progress = [](const PublishedFile&,
                                                                              uint64_t) {};
  // Called at least once a second. Returning false stops everything with Error.
  std::function<bool()> go_on = [] { return true; };
};

// Downloads a file into folder/NAME.part and returns this path when the digest is right and the
// content is on disk. Continues a NAME.part that is there. If the digest is wrong after that, the
// file is downloaded once more from the beginning. A mirror that does not deliver the file moves to
// the end of `mirrors`, and the next one is tried. Never writes more than file.bytes bytes.
//
// Throws Error if no mirror delivers the file, the disk is full or go_on returns false. NAME.part
// then has the bytes that may be useful, if any. The caller must be the only writer.
std::filesystem::path download_file(HttpClient& client, std::vector<std::string>& mirrors,
                                    const PublishedFile& file, const std::filesystem::path& folder,
                                    const DownloadOptions& options);

}  // namespace d2l::data
