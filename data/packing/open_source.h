#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data/packing/source.h"
#include "data/packing/team.h"

namespace d2l::data {

// What to pack.
struct SourceRequest {
  // The name of a dataset, "idx", or a path: a folder of class folders, of shards or of a dataset's
  // original files; an archive; a list.
  std::string from;
  std::filesystem::path data_dir = ".";  // of datasets with a name and of "idx"
  std::string test_from{};               // a list for the split `test`; empty: none
  std::optional<Split> split{};          // the only split that is needed
  int threads = 1;
};

// Finds out what `request.from` is and opens it. All processes get the same content. Throws
// UsageError for a second list without a first one, and Error if nothing usable is there.
std::unique_ptr<PackSource> open_source(const PackTeam& team, const SourceRequest& request);

}  // namespace d2l::data
