#include "data/catalog.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include "data/formats/idx.h"
#include "data/synthetic.h"
#include "framework/base/error.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

// A weighted sum of all bytes; an independent implementation gives the same value.
uint64_t weighted_sum(const Dataset& dataset) {
  const Content content = content_of(dataset, range(0, dataset.samples()));
  uint64_t sum = 0;
  for (size_t i = 0; i < content.images.size(); ++i) sum += content.images[i] * (i % 1009);
  return sum;
}

TEST(Synthetic, IsTheSameEverywhere) {
  const auto train = open_dataset("synthetic", "", Split::train);
  const auto test = open_dataset("synthetic", "", Split::test);
  EXPECT_EQ(train->samples(), 4096);
  EXPECT_EQ(test->samples(), 1024);
  EXPECT_EQ(train->shape(), (Shape{28, 28, 1}));
  EXPECT_EQ(train->classes(), 10);
  EXPECT_EQ(content_of(*train), content_of(*make_synthetic(Split::train)));
  EXPECT_EQ(weighted_sum(*train), 153677861791U);
  EXPECT_NE(content_of(*test, range(0, 10)).images, content_of(*train, range(0, 10)).images);
}

TEST(Synthetic, OfAnySize) {
  const auto train = open_dataset("synthetic-40x40x3", "", Split::train);
  EXPECT_EQ(train->shape(), (Shape{40, 40, 3}));
  EXPECT_EQ(train->samples(), 4096);
  EXPECT_EQ(weighted_sum(*train), 934256858283U);
  EXPECT_EQ(weighted_sum(*open_dataset("synthetic-40x40x3", "", Split::test)), 234985878593U);
  // rows that end inside a batch of noise
  EXPECT_EQ(
      weighted_sum(*make_synthetic(Split::train, {.train_samples = 50, .size = 37, .channels = 2})),
      7077091482U);
  const auto message = [](const std::string& name) {
    return message_of([&] { open_dataset(name, "", Split::test); });
  };
  EXPECT_EQ(message("synthetic-40x30x3"),
            "synthetic-40x30x3: expected square images, found 40 x 30");
  EXPECT_THAT(message("synthetic-2x2x1"), testing::HasSubstr("expected a size of"));
  EXPECT_THAT(message("synthetic-40x40x3y"), testing::HasSubstr("unknown dataset"));
}

// All batches of 64, 128 or 256 are complete; there are fewer huge images.
TEST(Synthetic, LargeImagesMakeWholeBatches) {
  const auto counts = [](const std::string& name) {
    return std::pair(open_dataset(name, "", Split::train)->samples(),
                     open_dataset(name, "", Split::test)->samples());
  };
  EXPECT_EQ(counts("synthetic-224x224x3"), std::pair(1024L, 256L));
  EXPECT_EQ(counts("synthetic-512x512x8"), std::pair(64L, 16L));
}

// The nearest class mean is correct on most unseen samples, so a model can learn them, but not on
// all, so there is something to learn.
TEST(Synthetic, CanBeLearnt) {
  const auto train = make_synthetic(Split::train), test = make_synthetic(Split::test);
  std::vector<std::array<double, 784>> means(10);
  std::vector<int> counts(10);
  train->visit(range(0, 4096), [&](size_t, const Sample& sample) {
    const size_t label = static_cast<size_t>(sample.label);
    ++counts[label];
    for (size_t i = 0; i < 784; ++i) means[label][i] += sample.bytes[i];
  });
  int right = 0;
  test->visit(range(0, 1024), [&](size_t, const Sample& sample) {
    size_t best = 0;
    double least = 1e30;
    for (size_t c = 0; c < 10; ++c) {
      double distance = 0;
      for (size_t i = 0; i < 784; ++i) {
        const double difference = sample.bytes[i] - means[c][i] / counts[c];
        distance += difference * difference;
      }
      if (distance < least) least = distance, best = c;
    }
    right += static_cast<int64_t>(best) == sample.label;
  });
  EXPECT_GT(right, 600);
  EXPECT_LT(right, 1020);
}

TEST(Catalog, UnknownNamesGetTheNearest) {
  EXPECT_EQ(message_of([] { open_dataset("fashion-minst", "", Split::train); }),
            "found no folder 'fashion-minst'; unknown dataset 'fashion-minst', did you mean "
            "'fashion-mnist'?");
  EXPECT_EQ(message_of([] { open_dataset("./absent", "", Split::train); }),
            "./absent: expected a folder of shards, found nothing");
}

TEST(Catalog, AbsentFilesNameThePlacesSearched) {
  TemporaryFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(message_of([&] { open_dataset("fashion-mnist", path, Split::test); }),
            "fashion-mnist: no test files: expected t10k-images-idx3-ubyte and "
            "t10k-labels-idx1-ubyte (or .idx instead of -idx, each also with .gz), or "
            "test-00000-of-NNNNN.h5, in " +
                path + "/fashion-mnist, which does not exist; or in " + path + ", which is empty");
}

// Errors list the existing files, likely names first, and not too many.
TEST(Catalog, AbsentFilesComeWithWhatIsThere) {
  TemporaryFolder folder;
  const std::string path = folder.path().string();
  for (int i = 0; i < 20; ++i) write_bytes(folder.path() / concat("a", i, ".png"), {1});
  write_bytes(folder.path() / "train-images-idx3-ubyte", {1});
  fs::create_directory(folder.path() / "test-labels-idx1-ubyte.zip");
  const auto message = [&](const std::string& data) {
    return message_of([&] { open_dataset(data, folder.path(), Split::test); });
  };
  EXPECT_THAT(message("mnist"),
              testing::EndsWith("in " + path +
                                ", which contains test-labels-idx1-ubyte.zip/, "
                                "train-images-idx3-ubyte, a0.png, a1.png, a10.png, a11.png and 16 "
                                "more"));
  write_bytes(folder.path() / "cifar10", {1});
  EXPECT_THAT(message("cifar10"),
              testing::HasSubstr("in " + path + "/cifar10, which is not a folder; or in "));
  EXPECT_THAT(message_of([&] { open_idx_folder(folder.path(), Split::test, "x"); }),
              testing::StartsWith("no test files: expected t10k-images-idx3-ubyte and "));
}

TEST(Catalog, FindsFilesInAllTheirPlaces) {
  TemporaryFolder folder;
  const fs::path below = folder.path() / "mnist";
  fs::create_directory(below);
  auto samples = [&] { return open_dataset("mnist", folder.path(), Split::train)->samples(); };

  write_idx(folder.path() / "train-images-idx3-ubyte", {1, 28, 28}, noise(784));
  write_idx(folder.path() / "train-labels-idx1-ubyte", {1}, noise(1, 3));
  EXPECT_NE(message_of(samples).find("expected labels in [0, 10), sample 0 has"),
            std::string::npos);
  write_idx(folder.path() / "train-labels-idx1-ubyte", {1}, std::vector<uint8_t>{9});
  EXPECT_EQ(samples(), 1);
  write_idx(below / "train-images-idx3-ubyte.gz", {2, 28, 28}, noise(2 * 784));
  EXPECT_EQ(message_of(samples),
            below.string() +
                ": expected train-labels-idx1-ubyte (or .idx instead of -idx, each also with .gz) "
                "beside train-images-idx3-ubyte.gz, but the folder contains "
                "train-images-idx3-ubyte.gz");
  write_idx(below / "train-labels-idx1-ubyte.gz", {2}, std::vector<uint8_t>{9, 0});
  EXPECT_EQ(samples(), 2);
  write_shards(below, *small_dataset(3), 1);
  EXPECT_EQ(message_of(samples),
            below.string() + ": expected shards of 'mnist', found shards of 'small'");
  EXPECT_EQ(open_dataset(below, "", Split::train)->samples(), 3);
}

// Each file has a different spelling.
TEST(Catalog, FindsEverySpelling) {
  const std::vector<std::string> ends{"-idx%-ubyte", "-idx%-ubyte.gz", ".idx%-ubyte",
                                      ".idx%-ubyte.gz"};
  const auto name = [](std::string text, char axes) {
    return text.replace(text.find('%'), 1, 1, axes);
  };
  for (const std::string& images : ends)
    for (const std::string& labels : ends) {
      TemporaryFolder folder;
      write_idx(folder.path() / ("train-images" + name(images, '3')), {1, 28, 28}, noise(784));
      write_idx(folder.path() / ("train-labels" + name(labels, '1')), {1}, std::vector<uint8_t>{9});
      // a folder with a file's name, as in some archives, is ignored
      if (images != ends[0]) fs::create_directory(folder.path() / "train-images-idx3-ubyte");
      EXPECT_EQ(open_dataset("mnist", folder.path(), Split::train)->samples(), 1)
          << images << labels;
      EXPECT_EQ(open_idx_folder(folder.path(), Split::train, "x")->classes(), 10)
          << images << labels;
    }
}

// A file that cannot be examined does not count as missing.
TEST(Catalog, TheSystemsErrorsAreSaid) {
  TemporaryFolder folder;
  const fs::path images = folder.path() / "train-images-idx3-ubyte";
  fs::create_symlink(images.filename(), images);  // a link to itself
  EXPECT_EQ(message_of([&] { open_dataset("mnist", folder.path(), Split::train); }),
            "cannot look at " + images.string() + ": Too many levels of symbolic links");
  fs::remove(images);
  fs::create_symlink("data_batch_1.bin", folder.path() / "data_batch_1.bin");
  EXPECT_THAT(message_of([&] { open_dataset("cifar10", folder.path(), Split::train); }),
              testing::HasSubstr("data_batch_1.bin: Too many levels of symbolic links"));
}

// Changes the current folder while the object exists.
class CurrentFolder {
 public:
  explicit CurrentFolder(const fs::path& path) : before_(fs::current_path()) {
    fs::current_path(path);
  }
  ~CurrentFolder() { fs::current_path(before_); }
  CurrentFolder(const CurrentFolder&) = delete;
  CurrentFolder& operator=(const CurrentFolder&) = delete;

 private:
  fs::path before_;
};

TEST(Catalog, NamesDoNotDependOnTheCurrentFolder) {
  TemporaryFolder folder;
  for (const char* below : {"fashion-mnist", "synthetic", "synthetic-32x32x3", "mine"})
    fs::create_directory(folder.path() / below);
  write_shards(folder.path() / "synthetic", *small_dataset(3), 1);
  const CurrentFolder here(folder.path());
  for (const char* name : {"fashion-mnist", "mnist", "synthetic", "synthetic-32x32x3", "absent"})
    EXPECT_FALSE(names_a_folder(name)) << name;
  for (const char* path : {"./fashion-mnist", "mine", "mine/", "/absent/x", ".", ".."})
    EXPECT_TRUE(names_a_folder(path)) << path;
  EXPECT_EQ(open_dataset("synthetic", "", Split::train)->samples(), 4096);
  EXPECT_EQ(open_dataset("./synthetic", "", Split::train)->samples(), 3);
  EXPECT_THAT(message_of([] { open_dataset("./synthetic", "", Split::test); }),
              testing::HasSubstr("expected test shards"));
}

// The path of a folder that is named after a dataset and contains its files means that dataset.
TEST(Catalog, AFolderNamedLikeADatasetMayHoldItsFiles) {
  TemporaryFolder folder;
  const fs::path below = folder.path() / "fashion-mnist";
  fs::create_directory(below);
  write_idx(below / "train-images.idx3-ubyte", {1, 28, 28}, noise(784));
  write_idx(below / "train-labels-idx1-ubyte.gz", {1}, std::vector<uint8_t>{9});
  for (const fs::path& path : {below, below / "", folder.path() / "." / "fashion-mnist"}) {
    const auto dataset = open_dataset(path.string(), "/absent", Split::train);
    EXPECT_EQ(dataset->name(), "fashion-mnist");
    EXPECT_EQ(dataset->class_names().at(9), "ankle boot");
  }
  EXPECT_THAT(message_of([&] { open_dataset(below.string(), "", Split::test); }),
              testing::StartsWith("fashion-mnist: no test files: "));
  write_shards(below, *small_dataset(3), 1);
  EXPECT_EQ(open_dataset(below.string(), "", Split::train)->name(), "small");
}

// Both sets use the same file names, so the folder's name decides.
TEST(Catalog, DoesNotTakeOneDatasetForAnother) {
  TemporaryFolder folder;
  const fs::path mnist = folder.path() / "mnist";
  fs::create_directory(mnist);
  write_idx(mnist / "train-images-idx3-ubyte", {1, 28, 28}, noise(784));
  write_idx(mnist / "train-labels-idx1-ubyte", {1}, std::vector<uint8_t>{9});
  EXPECT_EQ(open_dataset("mnist", mnist, Split::train)->samples(), 1);
  const CurrentFolder here(mnist);
  for (const fs::path& written : {mnist, mnist / "", mnist / ".", fs::path(".")})
    EXPECT_THAT(message_of([&] { open_dataset("fashion-mnist", written, Split::train); }),
                testing::EndsWith("; " + written.string() +
                                  " itself is not searched: it has the name of another dataset"));
}

TEST(FashionMnist, IsCompleteAndNamed) {
  const fs::path data = data_dir();
  if (data.empty()) GTEST_SKIP() << kNoData;
  for (Split split : {Split::train, Split::test}) {
    const auto dataset = open_dataset("fashion-mnist", data, split);
    const int64_t samples = split == Split::train ? 60000 : 10000;
    ASSERT_EQ(dataset->samples(), samples);
    EXPECT_EQ(dataset->shape(), (Shape{28, 28, 1}));
    EXPECT_EQ(dataset->info().class_names.at(9), "ankle boot");
    std::vector<int64_t> histogram(10);
    dataset->visit(range(0, samples), [&](size_t, const Sample& sample) {
      ++histogram[static_cast<size_t>(sample.label)];
    });
    EXPECT_EQ(histogram, std::vector<int64_t>(10, samples / 10));
  }
  // the first training images show an ankle boot and a t-shirt
  const auto train = open_dataset("fashion-mnist", data, Split::train);
  EXPECT_EQ(content_of(*train, {0, 1, 2, 3, 4}).labels, (std::vector<int64_t>{9, 0, 0, 3, 0}));
}

TEST(FashionMnist, TheSampleOpensByPathAndByName) {
  const fs::path sample = source_dir() / "data/samples/fashion-mnist";
  EXPECT_EQ(open_dataset(sample.string(), "", Split::train)->samples(), 10000);
  EXPECT_EQ(open_dataset(sample.string(), "", Split::test)->samples(), 2000);
  const auto named = open_dataset("fashion-mnist", sample.parent_path(), Split::test);
  EXPECT_EQ(named->samples(), 2000);
  EXPECT_EQ(named->info().class_names.at(0), "t-shirt");
}

TEST(FashionMnist, TheSampleIsTheBeginningOfTheRealFiles) {
  const fs::path data = data_dir();
  if (data.empty()) GTEST_SKIP() << kNoData;
  const fs::path sample = source_dir() / "data/samples/fashion-mnist";
  for (Split split : {Split::train, Split::test}) {
    const auto part = open_dataset(sample.string(), "", split);
    const auto whole = open_dataset("fashion-mnist", data, split);
    EXPECT_EQ(content_of(*part), content_of(*whole, range(0, part->samples())));
    EXPECT_EQ(part->class_names(), whole->class_names());
  }
}

}  // namespace
}  // namespace d2l::data::test
