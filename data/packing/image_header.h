#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/packing/source.h"

namespace d2l::data {

// How many first bytes of a file fill_header() gets; the headers of almost all images are there.
constexpr size_t kHeaderBytes = 4096;

// Sets the item's size from the header of an image file. `begin`: its first kHeaderBytes or fewer;
// `whole` returns the whole file, for headers that are longer. Leaves the size at 0 if the header
// is broken: packing then reports the reason. Returns false if this is no image.
bool fill_header(std::span<const uint8_t> begin,
                 const std::function<std::span<const uint8_t>()>& whole, PackItem& item);

// Whether a file has the name of a JPEG, PNG or WebP file. It is packed, and so reported as broken
// if its content is something else.
bool has_image_name(const std::string& path);

// Why a file with these bytes, for which encoding_of() is empty, is no image.
std::string not_an_image(std::span<const uint8_t> bytes);

}  // namespace d2l::data
