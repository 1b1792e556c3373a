#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/packing/image_form.h"
#include "data/packing/selection.h"
#include "data/packing/source.h"
#include "data/packing/team.h"
#include "data/shards/shard_file.h"

namespace d2l::data {

struct PackOptions {
  std::filesystem::path out;
  SelectionOptions selection{};
  ImageForm form{};
  int64_t channels = 0;  // 1 or 3; 0: 3, or 1 if all images are grey
  int shards = 0;        // of each split, at most one per image; 0: of about kUsualShardBytes each
  int deflate = 0;
  bool skip_bad_images = false;  // leave broken images out, instead of ending with an error
  int threads = 1;               // of this process, for decoding
  std::string name{}, source{}, licence{};  // replace those of the source if not empty
};

constexpr uint64_t kUsualShardBytes = uint64_t{256} << 20;

struct PackHooks {
  std::function<void(const std::string& line)> warn = [](const std::string&) {};
  // `done` of `total` images. Called now and then, on rank 0.
  std::function<void(int64_t done, int64_t total)> progress = [](int64_t, int64_t) {};
  // Throws to end the packing.
  std::function<void()> check_stopped = [] {};
};

struct PackedSplit {
  Split split = Split::train;
  int shards = 0;
  int64_t images = 0, left_out = 0;
  uint64_t bytes = 0;  // of all its shards
};

// Packs a source into shards. All processes of the team call it; the shards do not depend on the
// number of processes and threads. Each image is decoded once, so that broken ones are found. The
// shards of all splits appear in options.out when all of them are complete and on disk; errors
// leave no files. Throws what select_items() throws, and Error for a full disk, for a folder that
// has shards already, and for a broken image, which it names.
std::vector<PackedSplit> pack(const PackTeam& team, const PackSource& source,
                              const PackOptions& options, const PackHooks& hooks);

}  // namespace d2l::data
