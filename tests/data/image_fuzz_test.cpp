#include <sys/resource.h>

#include <chrono>

#include "framework/base/error.h"
#include "tests/data/image_support.h"
#include "tests/data/mutation.h"
#include "tests/data/webp_support.h"

namespace d2l::data::test {
namespace {

using Bytes = std::vector<uint8_t>;

struct Outcome {
  int decoded = 0;
  int refused = 0;
};

int64_t most_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// Decodes a file that may be damaged. It must end with an image or an Error of one line, in a short
// time.
void try_file(const Bytes& file, Outcome& outcome) {
  // a copy of exactly this size, so that AddressSanitizer sees reads behind the end
  const std::vector<uint8_t> exact(file.begin(), file.end());
  const auto begin = std::chrono::steady_clock::now();
  try {
    Image image;
    const ImageHeader header = read_image_header(exact);
    decode_image(exact, 3, image);
    EXPECT_EQ(image.shape, (Shape{header.shape[0], header.shape[1], 3}));
    EXPECT_EQ(image.pixels.size(), static_cast<size_t>(image.shape.elements()));
    ++outcome.decoded;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_FALSE(message.empty());
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    ++outcome.refused;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 2);
}

void try_mutations(const std::vector<Bytes>& files) {
  const int64_t memory = most_memory();
  for (size_t i = 0; i < files.size(); ++i) {
    Outcome truncated, mutated;
    for (size_t size = 0; size < files[i].size(); ++size)
      try_file({files[i].begin(), files[i].begin() + static_cast<std::ptrdiff_t>(size)}, truncated);
    EXPECT_EQ(truncated.decoded, 0) << "file " << i;
    for (uint64_t round = 0; round < 2000; ++round)
      try_file(mutate(files[i], 10000 * i + round), mutated);
    EXPECT_GT(mutated.refused, 300) << "file " << i;
    EXPECT_GT(mutated.decoded, 20) << "file " << i;
  }
  // AddressSanitizer keeps up to 256 MiB of freed memory.
  EXPECT_LT(most_memory() - memory, 512 << 20);
}

TEST(ImageFuzz, Jpeg) {
  const auto exif = exif_data(6, true);
  try_mutations(
      {make_jpeg({}), make_jpeg({.progressive = true}), make_jpeg({.arithmetic = true}),
       make_jpeg({.progressive = true, .arithmetic = true}),
       make_jpeg({.components = 4, .stored = JCS_YCCK, .restart_interval = 1}),
       with_exif(make_jpeg({.components = 1, .stored = JCS_GRAYSCALE, .restart_interval = 2}),
                 exif)});
}

TEST(ImageFuzz, Png) {
  const Bytes palette{255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9};
  Bytes chunks = png_chunk("PLTE", palette);
  const Bytes transparency = png_chunk("tRNS", {0, 128, 255});
  chunks.insert(chunks.end(), transparency.begin(), transparency.end());
  const PngRecipe indexed{.height = 16,
                          .width = 16,
                          .depth = 2,
                          .colour_type = 3,
                          .rows = test_picture(16, 4, 1),
                          .before_pixels = chunks};
  const PngRecipe deep{.height = 12,
                       .width = 10,
                       .depth = 16,
                       .colour_type = 6,
                       .rows = test_picture(12, 20, 4),
                       .after_pixels = png_chunk("eXIf", exif_data(8, false))};
  try_mutations({make_png(indexed), make_png(deep)});
}

TEST(ImageFuzz, Webp) {
  const Bytes pixels = test_picture(20, 30, 3);
  try_mutations({make_webp(pixels, 20, 30, 3, true), make_webp(pixels, 20, 30, 3, false),
                 make_webp(test_picture(20, 30, 4), 20, 30, 4, true),
                 webp_with_exif(pixels, 20, 30, exif_data(5, true))});
}

// PNG checksums stop nearly all mutations. Here each file is made of noise with right checksums:
// all colour types and depths, often with a palette, a transparency or rows of a wrong size.
TEST(ImageFuzz, PngWithRightChecksums) {
  Outcome outcome;
  for (uint64_t round = 0; round < 2000; ++round) {
    const RngKey key{round, stream_of("png")};
    uint64_t draw = 0;
    const auto below = [&](uint64_t bound) { return random_below(key, draw++, bound); };
    const uint8_t types[] = {0, 2, 3, 4, 6};
    PngRecipe recipe{.height = 4, .width = 7};
    recipe.colour_type = types[below(5)];
    recipe.depth = static_cast<uint8_t>(1 << below(5));
    const size_t samples = recipe.colour_type == 2   ? 3
                           : recipe.colour_type == 4 ? 2
                           : recipe.colour_type == 6 ? 4
                                                     : 1;
    recipe.rows = noise(4 * ((7 * samples * recipe.depth + 7) / 8 + (below(4) == 0)), round);
    if (below(3) != 0) recipe.before_pixels = png_chunk("PLTE", noise(3 * (1 + below(17)), round));
    if (below(2) != 0) {
      const Bytes transparency = png_chunk("tRNS", noise(1 + below(7), round));
      recipe.before_pixels.insert(recipe.before_pixels.end(), transparency.begin(),
                                  transparency.end());
    }
    try_file(make_png(recipe), outcome);
  }
  EXPECT_GT(outcome.decoded, 500);
  EXPECT_GT(outcome.refused, 500);
}

}  // namespace
}  // namespace d2l::data::test
