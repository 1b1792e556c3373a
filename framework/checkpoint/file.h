#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "framework/checkpoint/snapshot.h"

namespace d2l {

// One checkpoint as one HDF5 file; docs/checkpoint-format.md describes it. Each array is an
// HDF5 dataset of the same name, for example parameters/conv1.weight in h5dump and h5py.

// Atomic and durable: a reader finds either the old file or the complete new one. Throws Error
// naming the path and the cause (such as missing permission), or NoRoomError if the disk is full;
// the existing files are then unchanged. Needs little memory besides the snapshot: data are written
// without a copy. `before_rename`: see replace_file.
void write_checkpoint(
    const std::filesystem::path& path, const Snapshot& snapshot,
    const std::function<void()>& before_rename = [] {});

// The size of the file that write_checkpoint() makes of this snapshot.
uint64_t checkpoint_bytes(const Snapshot& snapshot);

// Reads the whole file and verifies every byte before it returns. Throws Error naming the file, the
// damaged piece, and what was expected and found. Sizes are checked against the file's size before
// memory is allocated; no filter plugins are loaded.
Snapshot read_checkpoint(const std::filesystem::path& path);

}  // namespace d2l
