#pragma once

#include <filesystem>
#include <functional>

#include "framework/checkpoint/snapshot.h"

namespace d2l {

// One checkpoint as one HDF5 file; docs/checkpoint-format.md describes it. Arrays are datasets
// under their path names, so h5dump and h5py show parameters/conv1.weight as what it is.

// Atomic and durable: a reader finds the old file, or the new one whole. Throws Error naming the
// path and the cause (no permission, say), NoRoomError where the disk is full; then nothing that
// was there before is lost. It takes little memory besides the snapshot: the data are written from
// where they are. `before_rename` is replace_file's.
void write_checkpoint(const std::filesystem::path& path, const Snapshot& snapshot,
                      const std::function<void()>& before_rename = [] {});

// Reads everything and verifies every byte of it before anything is returned. Throws Error naming
// the file, the damaged piece, and what was expected and found. Sizes are bounded by the file's
// size before memory is asked for; no filter plugins are loaded.
Snapshot read_checkpoint(const std::filesystem::path& path);

}  // namespace d2l
