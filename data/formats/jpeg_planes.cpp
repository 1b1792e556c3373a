#include "data/formats/jpeg_planes.h"

#include <algorithm>
#include <cstring>

#include "data/formats/jpeg_idct.h"
#include "framework/base/simd.h"

namespace d2l::data {
namespace {

// What is needed to decode the blocks of a component.
struct BlockReader {
  const JpegCodes *dc_codes = nullptr, *ac_codes = nullptr;
  const float* factors = nullptr;
  int horizontal = 1, vertical = 1;  // blocks in an MCU
  int shift = 0;
  int16_t dc = 0;              // of the last block
  uint8_t* samples = nullptr;  // of the next MCU; nullptr: the values are not needed
  int64_t stride = 0;
};

[[gnu::always_inline]] inline void write_block(const BlockReader& reader, int coefficients,
                                               const int16_t* block, uint8_t* samples) {
  if (coefficients == 1 || reader.shift == 3) {  // the first is the average of all samples
    const int size = 8 >> reader.shift;
    const float value = static_cast<float>(block[0]) * reader.factors[0] + 128.5f;
    const int byte = static_cast<int>(std::clamp(value, 0.0f, 255.0f));
    for (int x = 0; x < size; ++x)
      std::memset(samples + x * reader.stride, byte, static_cast<size_t>(size));
    return;
  }
  switch (reader.shift) {
    case 0:
      return idct::block<0>(block, reader.factors, samples, reader.stride);
    case 1:
      return idct::block<1>(block, reader.factors, samples, reader.stride);
    default:
      return idct::block<2>(block, reader.factors, samples, reader.stride);
  }
}

// Reads `count` MCUs from `bits`, and their samples if they are `wanted`. False if they are
// damaged.
D2L_SIMD bool read_mcus(std::span<BlockReader> readers, JpegBits& bits, int64_t count,
                        bool wanted) {
  alignas(32) int16_t block[80] = {};  // 64 and one for what is no coefficient, aligned
  JpegBits local = bits;
  for (int64_t i = 0; i < count; ++i)
    for (BlockReader& reader : readers) {
      const int64_t size = 8 >> reader.shift;
      const bool written = wanted && reader.samples != nullptr;
      for (int y = 0; y < reader.vertical; ++y)
        for (int x = 0; x < reader.horizontal; ++x) {
          const int coefficients =
              read_jpeg_block(local, *reader.dc_codes, *reader.ac_codes, reader.dc, block);
          if (coefficients == 0) [[unlikely]]
            return false;
          if (!written) continue;
          write_block(reader, coefficients, block,
                      reader.samples + x * size * reader.stride + y * size);
          std::memset(block, 0, 64 * sizeof *block);
        }
      if (written) {
        reader.samples += reader.horizontal * size * reader.stride;
      } else {
        std::memset(block, 0, 64 * sizeof *block);
      }
    }
  bits = local;
  return true;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Sets everything but the samples. The part consists of whole MCUs.
void lay_out(const BaselineJpeg& jpeg, const JpegComponent& component, const PixelArea& mcus,
             int shift, ColourPlane& plane) {
  const int64_t across = component.horizontal * (8 >> shift);
  const int64_t down = component.vertical * (8 >> shift);
  plane.left = mcus.left * across;
  plane.top = mcus.top * down;
  plane.width = (mcus.right - mcus.left) * across;
  plane.height = (mcus.bottom - mcus.top) * down;
  plane.full_width = divide_up(jpeg.width * component.horizontal, jpeg.most_horizontal << shift);
  plane.full_height = divide_up(jpeg.height * component.vertical, jpeg.most_vertical << shift);
  plane.stride = plane.height;
}

}  // namespace

struct PlaneDecoder::State {
  std::array<JpegCodes, 4> dc_codes, ac_codes;
  std::array<ColourPlane, 3> planes;
  std::array<std::array<float, 64>, 3> factors;
  std::array<BlockReader, 3> readers;
  size_t components = 0;

  std::span<const uint8_t> file;
  std::vector<uint8_t> data;  // of a segment, without stuffed bytes
  size_t at = 0;              // where the next segment begins
  int64_t segment = -1;       // the loaded one
  int64_t interval = 0;       // MCUs of a segment
  int64_t next = 0;           // MCU
  int64_t mcus = 0;           // of the image
  JpegBits bits;

  bool prepare(const BaselineJpeg& jpeg, const PixelArea& area,
               const std::array<Request, 3>& requests);
  bool load(int64_t wanted);
  bool finish_segment() const { return bits.left() >= 0 && bits.left() < 8; }
  bool seek(int64_t mcu);
  bool read(int64_t count, bool wanted);
};

bool PlaneDecoder::State::prepare(const BaselineJpeg& jpeg, const PixelArea& area,
                                  const std::array<Request, 3>& requests) {
  components = jpeg.components.size();
  for (size_t i = 0; i < components; ++i) {
    const JpegComponent& component = jpeg.components[i];
    if (!dc_codes[component.dc].assign(jpeg.dc_codes[component.dc], true)) return false;
    if (!ac_codes[component.ac].assign(jpeg.ac_codes[component.ac], false)) return false;
    factors[i] = idct::factors(jpeg.quantisation[component.quantisation]);
    ColourPlane& plane = planes[i];
    lay_out(jpeg, component, area, requests[i].shift, plane);
    if (requests[i].wanted)
      plane.samples.resize(static_cast<size_t>(plane.width * plane.stride) + ColourPlane::kSlack);
    readers[i] = {&dc_codes[component.dc],
                  &ac_codes[component.ac],
                  factors[i].data(),
                  component.horizontal,
                  component.vertical,
                  requests[i].shift,
                  0,
                  nullptr,
                  plane.stride};
  }
  return true;
}

// Finds segment number `wanted` and copies it without its stuffed bytes. Checks the restart markers
// before it and the marker after it.
bool PlaneDecoder::State::load(int64_t wanted) {
  data.resize(file.size() + JpegBits::kSlack);
  while (segment < wanted) {
    ++segment;
    const bool copies = segment == wanted;
    uint8_t* to = data.data();
    const uint8_t *from = file.data() + at, *end = file.data() + file.size();
    while (true) {
      const auto* found =
          static_cast<const uint8_t*>(std::memchr(from, 0xFF, static_cast<size_t>(end - from)));
      if (found == nullptr || end - found < 2) return false;
      const bool stuffed = found[1] == 0;
      if (copies) {
        const auto size = static_cast<size_t>(found - from) + (stuffed ? 1 : 0);
        std::memcpy(to, from, size);
        to += size;
      }
      from = found + 2;
      if (stuffed) continue;
      uint8_t marker = found[1];
      while (marker == 0xFF && from < end) marker = *from++;  // fill bytes
      at = static_cast<size_t>(from - file.data());
      const bool last = (segment + 1) * interval >= mcus;
      if (last ? marker != 0xD9 : marker != 0xD0 + segment % 8) return false;
      break;
    }
    if (copies) {
      std::memset(to, 0, JpegBits::kSlack);
      bits = {data.data(), to};
    }
  }
  next = segment * interval;
  for (BlockReader& reader : readers) reader.dc = 0;
  return true;
}

// Makes `mcu` the next one; it may not precede the present one.
bool PlaneDecoder::State::seek(int64_t mcu) {
  const int64_t wanted = mcu / interval;
  if (wanted != segment && !load(wanted)) return false;
  return next == mcu || read(mcu - next, false);
}

// Reads MCUs that are all in the image, from as many segments as they need.
bool PlaneDecoder::State::read(int64_t count, bool wanted) {
  while (count > 0) {
    if (next == (segment + 1) * interval && !load(segment + 1)) return false;
    const int64_t run = std::min(count, (segment + 1) * interval - next);
    if (!read_mcus({readers.data(), components}, bits, run, wanted)) return false;
    next += run;
    count -= run;
    const bool complete = next == std::min((segment + 1) * interval, mcus);
    if (complete && !finish_segment()) return false;
  }
  return bits.left() >= 0;
}

PlaneDecoder::PlaneDecoder() : state_(std::make_unique<State>()) {}
PlaneDecoder::~PlaneDecoder() = default;
PlaneDecoder::PlaneDecoder(PlaneDecoder&&) noexcept = default;
PlaneDecoder& PlaneDecoder::operator=(PlaneDecoder&&) noexcept = default;

const ColourPlane& PlaneDecoder::plane(size_t component) const { return state_->planes[component]; }

bool PlaneDecoder::decode(const BaselineJpeg& jpeg, std::span<const uint8_t> file,
                          const PixelArea& area, const std::array<Request, 3>& requests) {
  State& state = *state_;
  const int64_t columns = jpeg.mcu_columns();
  state.mcus = columns * jpeg.mcu_rows();
  int64_t blocks = 0;
  for (const JpegComponent& component : jpeg.components)
    blocks += component.horizontal * component.vertical;
  // each block has at least two codes, of at least a bit
  const auto bytes = static_cast<int64_t>(file.size() - jpeg.scan);
  if (state.mcus * blocks > 4 * bytes) return false;
  const PixelArea mcus{area.top / jpeg.mcu_height(), area.left / jpeg.mcu_width(),
                       divide_up(area.bottom, jpeg.mcu_height()),
                       divide_up(area.right, jpeg.mcu_width())};
  state.file = file;
  state.at = jpeg.scan;
  state.segment = -1;
  state.interval = jpeg.restart_interval > 0 ? jpeg.restart_interval : state.mcus;
  if (!state.prepare(jpeg, mcus, requests)) return false;
  for (int64_t row = mcus.top; row < mcus.bottom; ++row) {
    if (!state.seek(row * columns + mcus.left)) return false;
    for (size_t i = 0; i < state.components; ++i) {
      const BlockReader& reader = state.readers[i];
      const int64_t down = (row - mcus.top) * reader.vertical * (8 >> reader.shift);
      state.readers[i].samples =
          requests[i].wanted ? state.planes[i].samples.data() + down : nullptr;
    }
    if (!state.read(mcus.right - mcus.left, true)) return false;
  }
  return true;
}

}  // namespace d2l::data
