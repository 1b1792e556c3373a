#include "data/catalog.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include "data/idx_file.h"
#include "data/synthetic.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

TEST(Synthetic, IsTheSameEverywhere) {
  const auto train = open_dataset("synthetic", "", Split::train);
  const auto test = open_dataset("synthetic", "", Split::test);
  EXPECT_EQ(train->samples(), 4096);
  EXPECT_EQ(test->samples(), 1024);
  EXPECT_EQ(train->shape(), (Shape{28, 28, 1}));
  EXPECT_EQ(train->classes(), 10);
  const Content content = content_of(*train);
  EXPECT_EQ(content, content_of(*make_synthetic(Split::train)));
  uint64_t sum = 0;
  for (size_t i = 0; i < content.images.size(); ++i) sum += content.images[i] * (i % 1009);
  EXPECT_EQ(sum, 153677861791U);  // from an independent implementation
  EXPECT_NE(content_of(*test, range(0, 10)).images, content_of(*train, range(0, 10)).images);
}

TEST(Synthetic, OfAnySize) {
  const auto train = open_dataset("synthetic-40x40x3", "", Split::train);
  EXPECT_EQ(train->shape(), (Shape{40, 40, 3}));
  EXPECT_EQ(train->samples(), 4096);
  EXPECT_EQ(open_dataset("synthetic-512x512x8", "", Split::train)->samples(), 128);
  const auto message = [](const std::string& name) {
    return message_of([&] { open_dataset(name, "", Split::test); });
  };
  EXPECT_EQ(message("synthetic-40x30x3"),
            "synthetic-40x30x3: expected square images, found 40 x 30");
  EXPECT_THAT(message("synthetic-2x2x1"), testing::HasSubstr("expected a size of"));
  EXPECT_THAT(message("synthetic-40x40x3y"), testing::HasSubstr("unknown data set"));
}

// The nearest class mean is right on most unseen samples, so that a model can learn them, and not
// on all, so that it has something to learn.
TEST(Synthetic, CanBeLearnt) {
  const auto train = make_synthetic(Split::train), test = make_synthetic(Split::test);
  std::vector<std::array<double, 784>> means(10);
  std::vector<int> counts(10);
  train->visit(range(0, 4096), [&](size_t, const uint8_t* image, int64_t label) {
    ++counts[static_cast<size_t>(label)];
    for (size_t i = 0; i < 784; ++i) means[static_cast<size_t>(label)][i] += image[i];
  });
  int right = 0;
  test->visit(range(0, 1024), [&](size_t, const uint8_t* image, int64_t label) {
    size_t best = 0;
    double least = 1e30;
    for (size_t c = 0; c < 10; ++c) {
      double distance = 0;
      for (size_t i = 0; i < 784; ++i) {
        const double difference = image[i] - means[c][i] / counts[c];
        distance += difference * difference;
      }
      if (distance < least) least = distance, best = c;
    }
    right += static_cast<int64_t>(best) == label;
  });
  EXPECT_GT(right, 600);
  EXPECT_LT(right, 1020);
}

TEST(Catalog, UnknownNamesGetTheNearest) {
  EXPECT_EQ(message_of([] { open_dataset("fashion-minst", "", Split::train); }),
            "unknown data set 'fashion-minst', did you mean 'fashion-mnist'?");
  EXPECT_EQ(message_of([] { open_dataset("./absent", "", Split::train); }),
            "./absent: expected a folder of shards, found nothing");
}

TEST(Catalog, AbsentFilesNameThePlacesSearched) {
  TemporaryFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(message_of([&] { open_dataset("fashion-mnist", path, Split::test); }),
            "fashion-mnist: no test files in " + path + "/fashion-mnist or " + path +
                " (expected t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, with or without "
                ".gz, or test-00000-of-NNNNN.h5)");
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
  EXPECT_EQ(message_of(samples), (below / "train-labels-idx1-ubyte.gz").string() +
                                     " is missing beside train-images-idx3-ubyte.gz");
  write_idx(below / "train-labels-idx1-ubyte.gz", {2}, std::vector<uint8_t>{9, 0});
  EXPECT_EQ(samples(), 2);
  write_shards(below, *small_dataset(3), 1);
  EXPECT_EQ(message_of(samples),
            below.string() + ": expected shards of 'mnist', found shards of 'small'");
  EXPECT_EQ(open_dataset(below, "", Split::train)->samples(), 3);
}

// Both sets use the same file names, so the folder's name decides.
TEST(Catalog, DoesNotTakeOneDatasetForAnother) {
  TemporaryFolder folder;
  const fs::path mnist = folder.path() / "mnist";
  fs::create_directory(mnist);
  write_idx(mnist / "train-images-idx3-ubyte", {1, 28, 28}, noise(784));
  write_idx(mnist / "train-labels-idx1-ubyte", {1}, std::vector<uint8_t>{9});
  EXPECT_EQ(open_dataset("mnist", mnist, Split::train)->samples(), 1);
  EXPECT_NE(message_of([&] {
              open_dataset("fashion-mnist", mnist, Split::train);
            }).find("fashion-mnist: no train files in"),
            std::string::npos);
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
    dataset->visit(range(0, samples), [&](size_t, const uint8_t*, int64_t label) {
      ++histogram[static_cast<size_t>(label)];
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
