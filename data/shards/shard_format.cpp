#include "data/shards/shard_format.h"

#include "data/formats/image.h"
#include "framework/base/error.h"

namespace d2l::data {

std::string problem_of(const SampleRecord& record, const DatasetInfo& info) {
  const Shape shape{record.height, record.width, record.channels}, &common = info.shape;
  if (record.label >= info.classes)
    return concat("expected labels in [0, ", info.classes, "), found ", record.label);
  if (record.encoding > static_cast<uint16_t>(Encoding::webp))
    return concat("expected an encoding of images, found ", record.encoding);
  if (record.bytes == 0 || record.bytes > kMostChunkBytes)
    return concat("expected 1 to ", kMostChunkBytes, " bytes, found ", record.bytes);
  const uint64_t pixels = uint64_t{record.height} * record.width;
  if (pixels == 0 || pixels > static_cast<uint64_t>(kMostImagePixels))
    return concat("expected 1 to ", kMostImagePixels, " pixels, found shape ", shape);
  if (info.has_one_size() && (shape[0] != common[0] || shape[1] != common[1]))
    return concat("expected images of shape ", common, ", found ", shape);
  const auto encoding = static_cast<Encoding>(record.encoding);
  if (encoding != Encoding::pixels && record.channels != 1 && record.channels != 3)
    return concat("expected images of 1 or 3 channels, found ", record.channels);
  if (encoding != Encoding::pixels) return "";
  if (shape[2] != common[2])
    return concat("expected pixels of ", common[2], " channels, found ", record.channels);
  if (pixels * record.channels != record.bytes)
    return concat("expected ", pixels * record.channels, " bytes of pixels for shape ", shape,
                  ", found ", record.bytes);
  return "";
}

}  // namespace d2l::data
