#include "data/synthetic.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "data/memory_dataset.h"
#include "framework/base/error.h"
#include "framework/base/random_words.h"
#include "framework/base/simd.h"

namespace d2l::data {
namespace {

constexpr int64_t kCells = 7;  // a pattern is a coarse grid of kCells x kCells values
constexpr int64_t kLargestShift = 2;
constexpr int kNoise = 48;  // plus or minus, in grey levels

// Scales the brightness by strength / 256 and adds noise from the bytes of random words, from block
// 16 on: a sample's other draws use lower blocks.
D2L_SIMD void dim_and_cover(RngKey key, int strength, uint8_t* image, int64_t count) {
  static_assert(std::endian::native == std::endian::little, "bytes of words in order");
  constexpr int64_t kBytes = 4 * RandomWords::kWords;
  constexpr uint64_t kFirstBlock = 16;
  RandomWords words;
  uint8_t noise[kBytes];
  for (int64_t done = 0; done < count; done += kBytes) {
    words.fill(key, kFirstBlock + static_cast<uint64_t>(done) / sizeof(Random4));
    std::memcpy(noise, words.word, sizeof noise);
    uint8_t* pixels = image + done;
    const int64_t part = std::min(kBytes, count - done);
    for (int64_t i = 0; i < part; ++i) {
      const int value = pixels[i] * strength / 256 + (noise[i] - 128) * kNoise / 128;
      pixels[i] = static_cast<uint8_t>(std::clamp(value, 0, 255));
    }
  }
}

// Integer arithmetic only, so that all compilers and processors give the same bits.
class Painter {
 public:
  explicit Painter(const SyntheticOptions& options)
      : size_(options.size), channels_(options.channels) {
    for (int64_t label = 0; label < options.classes; ++label)
      add_pattern(
          {options.seed, mix(stream_of("synthetic pattern"), static_cast<uint64_t>(label))});
  }

  // One sample of a class: its pattern, shifted, dimmed and covered with noise.
  void paint(RngKey key, int64_t label, uint8_t* out) const {
    auto shift = [&](uint64_t draw) {
      const uint64_t drawn = random_below(key, draw, 2 * kLargestShift + 1);
      return (static_cast<int64_t>(drawn) - kLargestShift + size_) % size_;
    };
    const int64_t row = size_ * channels_, dy = shift(0), right = shift(1) * channels_;
    const int strength = 128 + static_cast<int>(random_below(key, 2, 128));
    const uint8_t* pattern = patterns_.data() + label * size_ * row;
    for (int64_t y = 0; y < size_; ++y) {
      const uint8_t* from = pattern + (y + dy) % size_ * row;
      std::copy(from, from + right, std::copy(from + right, from + row, out + y * row));
    }
    dim_and_cover(key, strength, out, size_ * row);
  }

 private:
  // Bilinear interpolation between four cells of a coarse grid; positions wrap around.
  void add_pattern(RngKey key) {
    std::vector<int64_t> cells(static_cast<size_t>(channels_ * kCells * kCells));
    for (size_t i = 0; i < cells.size(); ++i) cells[i] = random_word(key, i) >> 24;
    for (int64_t y = 0; y < size_; ++y)
      for (int64_t x = 0; x < size_; ++x)
        for (int64_t channel = 0; channel < channels_; ++channel) {
          const int64_t v = y * kCells * 256 / size_, u = x * kCells * 256 / size_;
          const int64_t down = v & 255, right = u & 255;
          auto cell = [&](int64_t r, int64_t c) {
            return cells[static_cast<size_t>((channel * kCells + r % kCells) * kCells +
                                             c % kCells)];
          };
          auto along = [&](int64_t r) {
            return cell(r, u >> 8) * (256 - right) + cell(r, (u >> 8) + 1) * right;
          };
          const int64_t value = along(v >> 8) * (256 - down) + along((v >> 8) + 1) * down;
          patterns_.push_back(static_cast<uint8_t>(value >> 16));
        }
  }

  int64_t size_, channels_;
  std::vector<uint8_t> patterns_;  // concatenated images, one per class
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
  const Painter painter(options);
  const uint64_t stream = stream_of("synthetic " + to_string(split));
  for (int64_t i = 0; i < samples; ++i) {
    int64_t label = i % options.classes;
    labels[static_cast<size_t>(i)] = static_cast<uint8_t>(label);
    painter.paint({options.seed, mix(stream, static_cast<uint64_t>(i))}, label,
                  images.data() + i * elements);
  }
  DatasetInfo info;
  info.name = "synthetic";
  info.shape = {options.size, options.size, options.channels};
  info.classes = options.classes;
  info.source = "made by d2l";
  return std::make_unique<MemoryDataset>(std::move(info), std::move(images), std::move(labels));
}

}  // namespace d2l::data
