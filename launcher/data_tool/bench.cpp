#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <numeric>

#include "data/catalog.h"
#include "data/formats/image.h"
#include "data/loading/piece_reader.h"
#include "data/packing/threads.h"
#include "framework/base/error.h"
#include "framework/base/rng.h"
#include "framework/base/text.h"
#include "launcher/data_tool/augmented.h"
#include "launcher/data_tool/commands.h"
#include "launcher/data_tool/table_text.h"

namespace d2l::data_tool {
namespace {

namespace po = boost::program_options;
using namespace d2l::data;

constexpr const char* kUsage =
    "Usage: d2l-data bench PATH [--OPTION VALUE]...\n"
    "\n"
    "Measures how many samples per second the loader's threads can prepare: reading, decoding, "
    "the\n"
    "steps of --augment that run on the host, and all of it together. Reading is from the disk, or "
    "from\n"
    "the memory of the operating system if the files were read before. The steps of --augment that "
    "run\n"
    "on the device are not part of it.\n"
    "PATH is a folder of shards, or the name of a dataset.\n"
    "\n";

constexpr int64_t kPiece = 16;       // samples at a time
constexpr int64_t kMostHeld = 4096;  // samples in memory
constexpr uint64_t kMostHeldBytes = uint64_t{64} << 20;

// The first samples of a dataset in memory, as they are stored.
class HeldSamples final : public Dataset {
 public:
  explicit HeldSamples(const Dataset& source, int64_t count)
      : Dataset(info_of(source, count)), samples_(static_cast<size_t>(count)) {
    std::vector<int64_t> indices(samples_.size());
    std::iota(indices.begin(), indices.end(), int64_t{0});
    source.visit(indices, [&](size_t position, const Sample& sample) {
      Held& held = samples_[position];
      held.bytes.assign(sample.bytes.begin(), sample.bytes.end());
      held.sample = sample;
      held.sample.bytes = held.bytes;
    });
  }

  const Sample& sample(int64_t index) const { return samples_[static_cast<size_t>(index)].sample; }

 private:
  struct Held {
    std::vector<uint8_t> bytes;
    Sample sample;
  };

  static DatasetInfo info_of(const Dataset& source, int64_t count) {
    DatasetInfo info = source.info();
    info.samples = count;
    return info;
  }
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override {
    for (size_t i = 0; i < indices.size(); ++i) visitor(i, sample(indices[i]));
  }
  int64_t label_of(int64_t index) const override { return sample(index).label; }
  uint64_t content_checksum() const override { return 0; }

  std::vector<Held> samples_;
};

// How many of the first samples fit into the memory for held samples.
int64_t held_count(const Dataset& dataset) {
  uint64_t bytes = 0;
  int64_t count = 0;
  const int64_t most = std::min(dataset.samples(), kMostHeld);
  while (count < most && bytes < kMostHeldBytes) {
    dataset.visit({{count}}, [&](size_t, const Sample& sample) { bytes += sample.bytes.size(); });
    ++count;
  }
  return count;
}

// A thread's work on some samples.
using Work = std::function<void(std::vector<int64_t>& samples)>;

// Calls the work of each thread with the samples in order, again from the beginning after the last
// one, for some time. Returns samples per second.
double measure(int64_t samples, int threads, double seconds, const std::function<Work()>& make) {
  using Clock = std::chrono::steady_clock;
  std::atomic<int64_t> next = 0, done = 0;
  const Clock::time_point begin = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  for_each_on_threads(threads, threads, [&](int64_t) {
    const Work work = make();
    while (passed() < seconds) {
      const int64_t first = next.fetch_add(kPiece);
      std::vector<int64_t> indices;
      for (int64_t i = first; i < first + kPiece; ++i) indices.push_back(i % samples);
      std::sort(indices.begin(), indices.end());
      indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
      work(indices);
      done += static_cast<int64_t>(indices.size());
    }
  });
  return static_cast<double>(done) / passed();
}

std::function<Work()> reading(const Dataset& dataset, std::atomic<uint64_t>& bytes) {
  return [&]() -> Work {
    return [&](std::vector<int64_t>& samples) {
      dataset.visit(samples, [&](size_t, const Sample& sample) { bytes += sample.bytes.size(); });
    };
  };
}

std::function<Work()> decoding(const HeldSamples& held) {
  return [&]() -> Work {
    return [&, image = Image()](std::vector<int64_t>& samples) mutable {
      for (const int64_t index : samples)
        if (held.sample(index).encoding != Encoding::pixels)
          decode_image(held.sample(index).bytes, held.shape()[2] == 1 ? 1 : 3, image);
    };
  };
}

std::function<Work()> pieces(const Dataset& dataset, const Pipeline& pipeline) {
  return [&]() -> Work {
    const auto reader = std::make_shared<PieceReader>(dataset, pipeline, OnBadSample::fail);
    const int64_t elements = pipeline.result_shape(dataset.shape()).elements();
    return [reader, labels = std::vector<int64_t>(kPiece),
            images = std::vector<uint8_t>(static_cast<size_t>(kPiece * elements))](
               std::vector<int64_t>& samples) mutable {
      reader->read({.samples = samples,
                    .labels = std::span(labels).first(samples.size()),
                    .targets = {},
                    .inputs = images.data(),
                    .key = {0, stream_of("bench")}});
    };
  };
}

void print(const std::string& what, double rate, const std::string& more = "") {
  const std::string number = with_thousands(static_cast<int64_t>(rate));
  std::cout << what << std::string(14 - what.size(), ' ')
            << std::string(10 - std::min<size_t>(number.size(), 10), ' ') << number << " samples/s"
            << more << std::endl;
}

void run(const Dataset& dataset, const Pipeline& pipeline, int threads, double seconds) {
  check(pipeline.result_shape(dataset.shape())[0] > 0,
        "--augment: expected steps that give all images the same size, found '", pipeline.text(),
        "'");
  std::cout << visible(dataset.name()) << ", " << with_thousands(dataset.samples()) << " samples, "
            << threads << (threads == 1 ? " thread" : " threads") << ", --augment '"
            << pipeline.text() << "'\n";
  const HeldSamples held(dataset, held_count(dataset));
  std::atomic<uint64_t> bytes = 0;
  const double read = measure(dataset.samples(), threads, seconds, reading(dataset, bytes));
  print(
      "reading", read,
      concat(", ", human_bytes(static_cast<uint64_t>(static_cast<double>(bytes) / seconds)), "/s"));
  if (held.sample(0).encoding == Encoding::pixels)
    std::cout << "decoding              none: the samples are stored as pixels\n";
  else
    print("decoding", measure(held.samples(), threads, seconds, decoding(held)),
          ", whole images from memory");
  print("augmenting", measure(held.samples(), threads, seconds, pieces(held, pipeline)),
        ", from memory, with decoding only what is needed");
  print("all together", measure(dataset.samples(), threads, seconds, pieces(dataset, pipeline)));
}

}  // namespace

void bench(const Words& words) {
  OptionList options = option_list();
  auto add = options.add_options();
  add("augment", po::value<std::string>()->value_name("STEPS"),
      "as for d2l-train (default: none if all images have one size, otherwise "
      "'random-resized-crop 224, flip 0.5')");
  add("split", po::value<std::string>()->value_name("train|test"), "the split (default train)");
  add("data-dir", po::value<std::string>()->value_name("DIR")->default_value(".", ""),
      "folder with the files of a dataset with a name (default .)");
  add("seconds", po::value<double>()->value_name("S")->default_value(3, ""),
      "time for each measurement (default 3)");
  add("threads", po::value<int>()->value_name("N"),
      "threads (default: the cores that this process may use)");
  add("help,h", "show this help and exit");
  const OptionValues values = parse(options, words, "path");
  if (values.count("help") != 0) {
    print_help(kUsage, options);
    return;
  }
  const Words paths = required_paths(values, "bench");
  if (paths.size() > 1) throw UsageError("bench: expected one path, found " + join(paths, ", "));
  refuse_table("bench", paths[0]);
  const double seconds = values["seconds"].as<double>();
  if (!(seconds >= 0.1 && seconds <= 3600))
    throw UsageError(concat("--seconds: expected 0.1 to 3600, found ", seconds));
  ShardDatasetOptions shards;
  shards.cache_bytes = 0;  // otherwise later reads of a small dataset would only copy memory
  const std::unique_ptr<Dataset> dataset =
      open_dataset(paths[0], required_path(values, "data-dir"),
                   split_option(values).value_or(Split::train), shards);
  const std::string steps = value_or(
      values, "augment",
      std::string(dataset->info().has_one_size() ? "none" : "random-resized-crop 224, flip 0.5"));
  run(*dataset, parse_augment(steps), threads_option(values), seconds);
}

}  // namespace d2l::data_tool
