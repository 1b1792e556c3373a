#include "data/formats/jpeg_idct.h"

#include <cmath>
#include <numbers>

#include "data/formats/jpeg_huffman.h"

namespace d2l::data::idct {

std::array<float, 64> factors(const std::array<uint16_t, 64>& quantisation) {
  std::array<double, 8> scales{};
  for (size_t k = 0; k < 8; ++k)
    scales[k] =
        k == 0 ? 1.0
               : std::numbers::sqrt2 * std::cos(static_cast<double>(k) * std::numbers::pi / 16);
  std::array<float, 64> result{};
  for (size_t i = 0; i < 64; ++i) {
    const size_t at = kJpegOrder[i];
    result[at] = static_cast<float>(quantisation[i] * scales[at / 8] * scales[at % 8] / 8);
  }
  return result;
}

}  // namespace d2l::data::idct
