// The speed of reading random crops of JPEG files, next to decoding the files in full:
//   bench-image-views FOLDER [SIZE] [ROUNDS]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "data/formats/image.h"
#include "data/formats/jpeg_rows.h"
#include "data/transform/view.h"
#include "framework/backend/backend.h"
#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/rng.h"
#include "framework/base/timer.h"

namespace d2l::data {
namespace {

using Bytes = std::vector<uint8_t>;

struct Files {
  std::vector<Bytes> original, indexed;
  std::vector<Shape> shapes;
  size_t original_bytes = 0, indexed_bytes = 0;
};

Files read_files(const std::string& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  Files files;
  for (const auto& path : paths) {
    Bytes bytes = read_bytes(path);
    files.shapes.push_back(read_image_header(bytes).shape);
    IndexedJpeg indexed = index_jpeg(bytes);
    if (!indexed.reason.empty())
      std::printf("%s is not rewritten: %s\n", path.c_str(), indexed.reason.c_str());
    files.original_bytes += bytes.size();
    files.indexed_bytes += indexed.bytes.size();
    files.original.push_back(std::move(bytes));
    files.indexed.push_back(std::move(indexed.bytes));
  }
  return files;
}

// As RandomResizedCrop of torchvision draws: an area of 8 to 100 % with a ratio of 3/4 to 4/3.
ImageView draw_view(const Shape& shape, int64_t size, uint64_t sample) {
  const RngKey key{1, mix(stream_of("views"), sample)};
  const auto height = static_cast<double>(shape[0]), width = static_cast<double>(shape[1]);
  ImageView view{
      0, 0, height, width, size, size, Filter::bilinear, true, random_uniform(key, 100) < 0.5f};
  for (uint64_t trial = 0; trial < 10; ++trial) {
    const double area = height * width * (0.08 + 0.92 * random_uniform(key, 4 * trial));
    const double ratio = std::exp(std::log(4.0 / 3) * (2 * random_uniform(key, 4 * trial + 1) - 1));
    const double w = std::round(std::sqrt(area * ratio)), h = std::round(std::sqrt(area / ratio));
    if (w > width || h > height) continue;
    view.top = std::floor(random_uniform(key, 4 * trial + 2) * (height - h + 1));
    view.left = std::floor(random_uniform(key, 4 * trial + 3) * (width - w + 1));
    view.bottom = view.top + h;
    view.right = view.left + w;
    break;
  }
  return view;
}

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// What a thread needs to read views.
struct Reader {
  ViewReader views;
  Image image;
  Bytes result;
  std::vector<float> input;
  std::unique_ptr<Backend> backend = make_cpu_backend(1);
};

enum class Way { decode, decode_and_resize, view, view_of_indexed, input_of_indexed };

constexpr Way kWays[] = {Way::decode, Way::decode_and_resize, Way::view, Way::view_of_indexed,
                         Way::input_of_indexed};
constexpr size_t kWayCount = std::size(kWays);
constexpr const char* kNames[] = {"decode in full", "decode in full, crop, resize",
                                  "view of the original files", "view of the indexed files",
                                  "the same, and normalised floats"};

// What the device does with the bytes.
void normalise(const Shape& shape, Reader& reader) {
  std::vector<float> mean{0.485f, 0.456f, 0.406f}, deviation{0.229f, 0.224f, 0.225f};
  reader.input.resize(reader.result.size());
  reader.backend->prepare_images({},
                                 {.x = {reader.result.data(), DType::u8, shape},
                                  .samples = {},
                                  .mean = {mean.data(), DType::f32, {3}},
                                  .deviation = {deviation.data(), DType::f32, {3}}},
                                 {reader.input.data(), DType::f32, shape});
}

void read_one(const Files& files, size_t i, Way way, const ImageView& view, Reader& reader) {
  reader.result.resize(static_cast<size_t>(view.height * view.width * 3));
  const bool indexed = way == Way::view_of_indexed || way == Way::input_of_indexed;
  Sample sample{Encoding::jpeg, indexed ? files.indexed[i] : files.original[i], files.shapes[i], 0};
  if (way == Way::decode || way == Way::decode_and_resize) {
    decode_image(sample.bytes, 3, reader.image);
    if (way == Way::decode) return;
    sample = {Encoding::pixels, reader.image.pixels, reader.image.shape, 0};
  }
  reader.views.read(sample, view, 3, reader.result.data());
  if (way == Way::input_of_indexed) normalise({1, view.height, view.width, 3}, reader);
}

struct Rate {
  std::vector<double> wall, processor;  // images/s of each round
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// One pass over all files by each thread.
void measure(const Files& files, int64_t size, Way way, int threads, uint64_t round, Rate& rate) {
  std::vector<double> processor(static_cast<size_t>(threads));
  std::vector<std::thread> workers;
  workers.reserve(processor.size());
  Timer timer;
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      Reader reader;
      const double begin = processor_seconds();
      for (size_t i = 0; i < files.original.size(); ++i)
        read_one(files, i, way, draw_view(files.shapes[i], size, i + 1000 * round), reader);
      processor[static_cast<size_t>(t)] = processor_seconds() - begin;
    });
  for (std::thread& worker : workers) worker.join();
  const auto images = static_cast<double>(files.original.size());
  rate.wall.push_back(images * threads / timer.seconds());
  for (double seconds : processor) rate.processor.push_back(images / seconds);
}

void print_rates(const Files& files, int64_t size, uint64_t rounds) {
  Rate rates[kWayCount][2];
  for (uint64_t round = 0; round < rounds; ++round)
    for (size_t way = 0; way < kWayCount; ++way)
      for (int threads : {1, 2})
        measure(files, size, kWays[way], threads, round, rates[way][threads - 1]);
  std::printf("%-31s %19s %26s\n%-31s %9s %9s %9s %9s %6s\n", "images/s", "by the wall clock",
              "by processor time", "", "1 thread", "2 threads", "1 thread", "2 threads", "");
  const double decode = median(rates[0][0].processor);
  for (size_t way = 0; way < kWayCount; ++way) {
    const Rate &one = rates[way][0], &two = rates[way][1];
    std::printf("%-31s %9.0f %9.0f %9.0f %9.0f %4.2f x\n", kNames[way], median(one.wall),
                median(two.wall), median(one.processor), 2 * median(two.processor),
                median(one.processor) / decode);
  }
}

// The mean difference of a view from decoding, cropping and resizing, by the factor of shrinking.
void print_differences(const Files& files, int64_t size, Way way) {
  struct Group {
    double sum = 0, worst = 0;
    int64_t views = 0;
  };
  Group groups[2];
  Reader exact, reader;
  for (uint64_t i = 0; i < files.original.size(); ++i)
    for (uint64_t round = 0; round < 4; ++round) {
      const ImageView view = draw_view(files.shapes[i], size, i + 1000 * round);
      read_one(files, i, Way::decode_and_resize, view, exact);
      read_one(files, i, way, view, reader);
      double sum = 0;
      for (size_t at = 0; at < exact.result.size(); ++at)
        sum += std::abs(exact.result[at] - reader.result[at]);
      const double mean = sum / static_cast<double>(exact.result.size());
      const double shrink = std::min(view.bottom - view.top, view.right - view.left);
      Group& group = groups[shrink >= 2.0 * static_cast<double>(size)];
      group.sum += mean;
      group.worst = std::max(group.worst, mean);
      ++group.views;
    }
  const char* const names[] = {"full", "half or less"};
  for (int i = 0; i < 2; ++i)
    if (groups[i].views > 0)
      std::printf("difference, resolution %-12s: mean %.3f of 255, worst view %.3f, %ld views\n",
                  names[i], groups[i].sum / static_cast<double>(groups[i].views), groups[i].worst,
                  static_cast<long>(groups[i].views));
}

}  // namespace
}  // namespace d2l::data

int main(int argc, char** argv) try {
  using namespace d2l::data;
  d2l::check(argc > 1, "usage: bench-image-views FOLDER [SIZE] [ROUNDS]");
  const int64_t size = argc > 2 ? std::atoi(argv[2]) : 224;
  const auto rounds = static_cast<uint64_t>(argc > 3 ? std::atoi(argv[3]) : 7);
  const Files files = read_files(argv[1]);
  d2l::check(!files.original.empty(), argv[1], ": expected files *.jpg, found none");
  const auto bytes = static_cast<double>(files.original_bytes);
  std::printf("%zu files of %.1f KB on average, indexed %+.2f %%; results of %ld x %ld\n",
              files.original.size(), bytes / 1e3 / static_cast<double>(files.original.size()),
              100 * (static_cast<double>(files.indexed_bytes) / bytes - 1), static_cast<long>(size),
              static_cast<long>(size));
  print_rates(files, size, rounds);
  print_differences(files, size, Way::view_of_indexed);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench-image-views: error: %s\n", error.what());
  return 1;
}
