#include "data/synthetic.h"

#include <algorithm>

#include "data/memory_dataset.h"
#include "framework/base/error.h"
#include "framework/base/rng.h"

namespace d2l::data {
namespace {

constexpr int64_t kCells = 7;  // a pattern is a coarse grid of so many values each way
constexpr int64_t kLargestShift = 2;
constexpr int64_t kNoise = 48;  // in grey levels, each way

// Whole numbers only, so that no compiler or processor can change a bit.
struct Painter {
  const SyntheticOptions& options;

  int64_t cell(int64_t label, int64_t channel, int64_t row, int64_t column) const {
    RngKey key{options.seed, mix(stream_of("synthetic pattern"), static_cast<uint64_t>(label))};
    int64_t index = (channel * kCells + row % kCells) * kCells + column % kCells;
    return random_word(key, static_cast<uint64_t>(index)) >> 24;
  }

  // Between four cells, bilinear; the position wraps around.
  int64_t pattern(int64_t label, int64_t channel, int64_t y, int64_t x) const {
    auto place = [&](int64_t at) {
      return (at + options.size) % options.size * kCells * 256 / options.size;
    };
    int64_t v = place(y), u = place(x), row = v >> 8, column = u >> 8;
    int64_t down = v & 255, right = u & 255;
    auto along = [&](int64_t r) {
      return cell(label, channel, r, column) * (256 - right) +
             cell(label, channel, r, column + 1) * right;
    };
    return (along(row) * (256 - down) + along(row + 1) * down) >> 16;
  }

  std::vector<uint8_t> patterns() const {
    std::vector<uint8_t> all;
    for (int64_t label = 0; label < options.classes; ++label)
      for (int64_t y = 0; y < options.size; ++y)
        for (int64_t x = 0; x < options.size; ++x)
          for (int64_t channel = 0; channel < options.channels; ++channel)
            all.push_back(static_cast<uint8_t>(pattern(label, channel, y, x)));
    return all;
  }

  // One sample of the class that `pattern` belongs to.
  void paint(RngKey key, const uint8_t* pattern, uint8_t* out) const {
    const int64_t size = options.size;
    auto shift = [&](uint64_t draw) {
      return static_cast<int64_t>(random_below(key, draw, 2 * kLargestShift + 1)) - kLargestShift;
    };
    const int64_t dy = shift(0), dx = shift(1);
    const int64_t strength = 128 + static_cast<int64_t>(random_below(key, 2, 128));
    Random4 block{};
    for (int64_t i = 0; i < size * size * options.channels; ++i) {
      int64_t pixel = i / options.channels, channel = i % options.channels;
      int64_t y = (pixel / size + dy + size) % size, x = (pixel % size + dx + size) % size;
      int64_t value = pattern[(y * size + x) * options.channels + channel] * strength / 256;
      // 16 draws of a byte from each block; 16 keeps clear of the draws above
      if (i % 16 == 0) block = philox(key, static_cast<uint64_t>(16 + i / 16));
      uint32_t word = block.word[i % 16 / 4];
      int64_t noise = static_cast<int64_t>(word >> (8 * (i % 4)) & 255) - 128;
      out[i] = static_cast<uint8_t>(std::clamp<int64_t>(value + noise * kNoise / 128, 0, 255));
    }
  }
};

}  // namespace

std::unique_ptr<Dataset> make_synthetic(Split split, const SyntheticOptions& options) {
  check(options.classes > 0 && options.classes <= 256,
        "synthetic: expected 1 to 256 classes, found ", options.classes);
  check(options.size >= 2 * kLargestShift && options.channels > 0, "synthetic: expected a size of ",
        2 * kLargestShift, " or more and a channel, found ", options.size, " and ",
        options.channels);
  const int64_t samples = split == Split::train ? options.train_samples : options.test_samples;
  check(samples > 0, "synthetic: expected at least one sample, found ", samples);

  const int64_t elements = options.size * options.size * options.channels;
  std::vector<uint8_t> images(static_cast<size_t>(samples * elements));
  std::vector<uint8_t> labels(static_cast<size_t>(samples));
  const Painter painter{options};
  const std::vector<uint8_t> patterns = painter.patterns();
  const uint64_t stream = stream_of("synthetic " + to_string(split));
  for (int64_t i = 0; i < samples; ++i) {
    int64_t label = i % options.classes;
    labels[static_cast<size_t>(i)] = static_cast<uint8_t>(label);
    painter.paint({options.seed, mix(stream, static_cast<uint64_t>(i))},
                  patterns.data() + label * elements, images.data() + i * elements);
  }
  DatasetInfo info;
  info.name = "synthetic";
  info.shape = {options.size, options.size, options.channels};
  info.classes = options.classes;
  info.source = "made by d2l";
  return std::make_unique<MemoryDataset>(std::move(info), std::move(images), std::move(labels));
}

}  // namespace d2l::data
