#pragma once

#include <filesystem>
#include <memory>

#include "data/packing/source.h"
#include "data/packing/team.h"

namespace d2l::data {

// The images in the class folders of an archive (content_of_class_folders). Reading all items in
// the archive's order takes one pass. In other orders, images that come too early are kept in up to
// `memory` bytes; if that is not enough, there are more passes.
constexpr uint64_t kArchiveMemory = uint64_t{1} << 30;
std::unique_ptr<PackSource> open_archive(const PackTeam& team, const std::filesystem::path& path,
                                         uint64_t memory = kArchiveMemory);

}  // namespace d2l::data
