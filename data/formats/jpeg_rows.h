#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace d2l::data {

// A JPEG file that was rewritten by index_jpeg(), or left as it was.
struct IndexedJpeg {
  std::vector<uint8_t> bytes;
  std::string reason;  // why it was left as it was; empty if it was rewritten
};

// Rewrites a JPEG file without loss, so that parts of the image can be decoded fast: as a baseline
// file with Huffman codes made for it, and with a restart marker after every 64 pixels of a row of
// MCUs. All coefficients and all decoded pixels stay the same. The EXIF orientation is kept, other
// metadata (EXIF, ICC profile, comments) are not. Files with four colour components, files whose
// progressive scans are incomplete and damaged files are left as they are. Thread-safe.
IndexedJpeg index_jpeg(std::span<const uint8_t> file);

}  // namespace d2l::data
