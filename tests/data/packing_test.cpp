#include <gmock/gmock.h>
#include <sys/stat.h>

#include "data/packing/class_folders.h"
#include "data/packing/open_source.h"
#include "data/packing/pack.h"
#include "data/shards/shard_dataset.h"
#include "tests/data/packing_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

SourceContent content_of(const std::vector<std::string>& paths) {
  std::vector<PackItem> items;
  for (const std::string& path : paths) {
    PackItem item;
    item.name = path;
    items.push_back(item);
  }
  return content_of_class_folders(std::move(items), "in");
}
std::string content_error(const std::vector<std::string>& paths) {
  return message_of([&] { content_of(paths); });
}
std::vector<std::string> names_of(const std::vector<PackItem>& items) {
  std::vector<std::string> names;
  for (const PackItem& item : items) names.push_back(item.name + ":" + std::to_string(item.label));
  return names;
}

TEST(ClassFolders, AClassIsAFolder) {
  const SourceContent content =
      content_of({"b/2.jpg", "a-b/1.jpg", "a/z/1.jpg", "a/1.jpg", "b/10.jpg"});
  EXPECT_THAT(content.info.class_names, ElementsAre("a", "a-b", "b"));
  EXPECT_THAT(names_of(content.train),
              ElementsAre("a/1.jpg:0", "a/z/1.jpg:0", "a-b/1.jpg:1", "b/10.jpg:2", "b/2.jpg:2"));
  EXPECT_THAT(content.test, IsEmpty());
  EXPECT_THAT(content.notes, IsEmpty());
}

TEST(ClassFolders, TrainAndTestAreSplits) {
  const SourceContent content =
      content_of({"x/train/a/1.jpg", "x/train/b/1.jpg", "x/test/b/2.jpg"});
  EXPECT_THAT(names_of(content.train), ElementsAre("x/train/a/1.jpg:0", "x/train/b/1.jpg:1"));
  EXPECT_THAT(names_of(content.test), ElementsAre("x/test/b/2.jpg:1"));
  EXPECT_THAT(content.notes, IsEmpty());
}

TEST(ClassFolders, ValidationBecomesTestIfThereIsNoTest) {
  for (const std::string name : {"val", "valid", "validation"}) {
    const SourceContent content =
        content_of({"train/a/1.jpg", "train/b/1.jpg", name + "/b/2.jpg", "test/3.jpg"});
    EXPECT_THAT(names_of(content.test), ElementsAre(name + "/b/2.jpg:1"));
    EXPECT_THAT(content.notes,
                ElementsAre("1 image directly in test/ is left out, because no folder names the "
                            "class",
                            name + "/ becomes the split test"));
  }
}

TEST(ClassFolders, OfThreePartsTheValidationIsLeftOut) {
  const SourceContent content =
      content_of({"train/a/1.jpg", "train/b/1.jpg", "val/b/2.jpg", "val/a/2.jpg", "test/a/3.jpg"});
  EXPECT_THAT(names_of(content.test), ElementsAre("test/a/3.jpg:0"));
  EXPECT_THAT(content.notes, ElementsAre("2 images in val/ are left out: d2l has two splits, which "
                                         "come from train/ and test/"));
}

TEST(ClassFolders, AClassMayBeCalledTrain) {
  const SourceContent content = content_of({"car/1.jpg", "train/1.jpg"});
  EXPECT_THAT(content.info.class_names, ElementsAre("car", "train"));
  EXPECT_THAT(content.test, IsEmpty());
  EXPECT_THAT(content_of({"Test/1.jpg", "Test/a/2.jpg", "Train/b/1.jpg"}).info.class_names,
              ElementsAre("Test", "Train"));
  EXPECT_THAT(content_of({"Tram/a/1.jpg", "Train/b/1.jpg"}).info.class_names,
              ElementsAre("Train", "Tram"));
}

TEST(ClassFolders, WhatCannotBeUsedIsSaid) {
  EXPECT_EQ(content_error({}),
            "in: expected JPEG, PNG or WebP files, one folder per class; found no such file");
  EXPECT_EQ(content_error({"1.jpg", "2.jpg"}),
            "in: expected one folder per class, found 2 images outside such folders, for example "
            "1.jpg");
  EXPECT_EQ(content_error({"cat/1.jpg", "cat/2.jpg"}),
            "in: expected at least two class folders, found only cat with 2 images");
  EXPECT_EQ(content_error({"train/a/1.jpg", "train/b/1.jpg", "test/c/1.jpg", "test/d/1.jpg"}),
            "in: expected in the test split only classes that have training images, found also "
            "c, d");
  EXPECT_EQ(content_error({"Train/a/1.jpg", "Train/b/1.jpg", "Test/a/1.jpg", "Test/b/1.jpg"}),
            "in: expected train and test as the names of the folders of the splits, found Test and "
            "Train");
  EXPECT_EQ(content_error({"x/train/a/1.jpg", "x/train/b/1.jpg", "x/test_set/a/1.jpg"}),
            "in: expected train and test as the names of the folders of the splits, found test_set "
            "and train");
  EXPECT_EQ(content_error({"a/1.jpg", "b/1.jpg", "a/1.jpg"}),
            "in: expected different names, found two files a/1.jpg");
}

class Packing : public testing::Test {
 protected:
  fs::path in() const { return folder.path() / "in"; }
  fs::path out() const { return folder.path() / "out"; }

  std::unique_ptr<PackSource> source() const {
    SourceRequest request;
    request.from = in().string();
    return open_source(PackTeam(), request);
  }
  PackOptions options() const {
    PackOptions options;
    options.out = out();
    options.threads = 2;
    return options;
  }
  std::vector<PackedSplit> pack_with(const PackOptions& options) {
    PackHooks hooks;
    hooks.warn = [&](const std::string& line) { warnings.push_back(line); };
    return pack(PackTeam(), *source(), options, hooks);
  }
  std::string error_with(const PackOptions& options) {
    const std::string message = message_of([&] { pack_with(options); });
    EXPECT_FALSE(fs::exists(options.out)) << message;
    return message;
  }
  std::vector<std::string> packed_names(Split split) const {
    const ShardDataset dataset(out(), split);
    std::vector<std::string> names;
    for (int64_t i = 0; i < dataset.samples(); ++i) names.push_back(dataset.name_of(i));
    return names;
  }

  TemporaryFolder folder;
  std::vector<std::string> warnings;
};

TEST_F(Packing, FilesKeepTheirBytes) {
  const std::vector<uint8_t> jpeg = jpeg_file({20, 30, 3}, 1), png = png_file({9, 7, 3}, 2);
  put_file(in() / "cat/1.jpg", jpeg);
  put_file(in() / "dog/2.png", png);
  const std::vector<PackedSplit> splits = pack_with(options());
  ASSERT_EQ(splits.size(), 1U);
  EXPECT_EQ(splits[0].images, 2);
  const ShardDataset dataset(out(), Split::train);
  EXPECT_EQ(dataset.shape(), (Shape{0, 0, 3}));
  EXPECT_THAT(dataset.class_names(), ElementsAre("cat", "dog"));
  std::vector<std::vector<uint8_t>> found;
  dataset.visit(range(0, 2), [&](size_t, const Sample& sample) {
    found.emplace_back(sample.bytes.begin(), sample.bytes.end());
    EXPECT_EQ(sample.label, static_cast<int64_t>(found.size()) - 1);
  });
  EXPECT_EQ(found, (std::vector<std::vector<uint8_t>>{jpeg, png}));
  EXPECT_THAT(packed_names(Split::train), ElementsAre("cat/1.jpg", "dog/2.png"));
  // mean and deviation are those of the decoded pixels
  PixelSums sums;
  for (const auto& file : {jpeg, png}) {
    Image image;
    decode_image(file, 3, image);
    sums.add(image.pixels.data(), image.shape);
  }
  EXPECT_EQ(dataset.info().mean, sums.mean());
  EXPECT_EQ(dataset.info().deviation, sums.deviation());
}

TEST_F(Packing, GreyImagesHaveOneChannelIfAllAreGrey) {
  put_file(in() / "a/1.png", png_file({8, 8, 1}, 1));
  put_file(in() / "b/1.jpg", jpeg_file({8, 8, 1}, 2));
  pack_with(options());
  EXPECT_EQ(ShardDataset(out(), Split::train).shape(), (Shape{8, 8, 1}));
  fs::remove_all(out());
  put_file(in() / "b/2.png", png_file({8, 8, 3}, 3));
  pack_with(options());
  EXPECT_EQ(ShardDataset(out(), Split::train).shape(), (Shape{8, 8, 3}));
  fs::remove_all(out());
  PackOptions grey = options();
  grey.channels = 1;
  pack_with(grey);
  EXPECT_EQ(ShardDataset(out(), Split::train).shape(), (Shape{8, 8, 1}));
}

TEST_F(Packing, ResizesTheShorterSide) {
  put_file(in() / "a/1.jpg", jpeg_file({20, 30, 3}, 1));
  put_file(in() / "a/2.png", png_file({40, 17, 3}, 2));
  const std::vector<uint8_t> right = png_file({10, 31, 3}, 3);
  put_file(in() / "b/1.png", right);
  PackOptions wanted = options();
  wanted.form.set_resize("10");
  pack_with(wanted);
  std::vector<Shape> shapes;
  std::vector<Encoding> encodings;
  const ShardDataset dataset(out(), Split::train);
  dataset.visit(range(0, 3), [&](size_t, const Sample& sample) {
    shapes.push_back(sample.shape);
    encodings.push_back(sample.encoding);
    if (sample.encoding == Encoding::png) {
      EXPECT_EQ(std::vector<uint8_t>(sample.bytes.begin(), sample.bytes.end()), right);
    }
  });
  EXPECT_THAT(shapes, ElementsAre(Shape{10, 15, 3}, Shape{23, 10, 3}, Shape{10, 31, 3}));
  EXPECT_THAT(encodings, ElementsAre(Encoding::jpeg, Encoding::jpeg, Encoding::png));
}

TEST_F(Packing, IndexedFilesKeepTheirPixels) {
  const std::vector<uint8_t> file = jpeg_file({200, 300, 3}, 1);
  put_file(in() / "a/1.jpg", file);
  put_file(in() / "b/1.png", png_file({20, 30, 3}, 2));
  PackOptions wanted = options();
  wanted.form.index_rows = true;
  pack_with(wanted);
  ShardDataset(out(), Split::train).visit({{0}}, [&](size_t, const Sample& sample) {
    EXPECT_NE(std::vector<uint8_t>(sample.bytes.begin(), sample.bytes.end()), file);
    Image before, after;
    decode_image(file, 3, before);
    decode_image(sample.bytes, 3, after);
    EXPECT_EQ(after.pixels, before.pixels);
  });
}

TEST_F(Packing, PixelsOfOneSize) {
  put_file(in() / "a/1.png", png_file({20, 30, 3}, 1));
  put_file(in() / "b/1.png", png_file({16, 12, 3}, 2));
  PackOptions wanted = options();
  wanted.form.set_resize("16x12");
  wanted.form.as_pixels = true;
  pack_with(wanted);
  const ShardDataset dataset(out(), Split::train);
  EXPECT_EQ(dataset.shape(), (Shape{16, 12, 3}));
  EXPECT_EQ(test::content_of(dataset, {1}).images, smooth_image({16, 12, 3}, 2).pixels);
  const Image large = smooth_image({20, 30, 3}, 1);
  std::vector<uint8_t> small(16 * 12 * 3);
  Resize::Workspace workspace;
  Resize(large.shape, {16, 12, 3}).apply(large.pixels.data(), small.data(), workspace);
  EXPECT_EQ(test::content_of(dataset, {0}).images, small);
}

TEST_F(Packing, ABrokenImageIsNamed) {
  put_classes(in(), {"a", "b"}, 5);
  std::vector<uint8_t> broken = jpeg_file({200, 200, 3}, 1);
  broken.resize(broken.size() / 2);
  put_file(in() / "b/3.jpg", broken);
  EXPECT_THAT(error_with(options()),
              StartsWith((in() / "b/3.jpg").string() + ": the JPEG file is truncated"));
  // a file whose header is broken
  put_file(in() / "b/3.jpg", {0xFF, 0xD8, 0xFF, 0xE0, 0, 1});
  EXPECT_THAT(error_with(options()), StartsWith((in() / "b/3.jpg").string() + ": "));
}

TEST_F(Packing, BrokenImagesCanBeLeftOut) {
  put_classes(in(), {"a", "b"}, 20);
  for (const char* name : {"a/0.jpg", "b/3.jpg", "b/9.jpg"}) {
    std::vector<uint8_t> broken = jpeg_file({100, 100, 3}, 1);
    broken.resize(broken.size() / 2);
    put_file(in() / name, broken);
  }
  PackOptions wanted = options();
  wanted.skip_bad_images = true;
  wanted.shards = 3;
  const std::vector<PackedSplit> splits = pack_with(wanted);
  EXPECT_EQ(splits[0].images, 37);
  EXPECT_EQ(splits[0].left_out, 3);
  ASSERT_EQ(warnings.size(), 3U);
  EXPECT_THAT(warnings[1], HasSubstr("b/3.jpg: the JPEG file is truncated"));
  EXPECT_THAT(warnings[1], HasSubstr("; the image is left out"));
  const std::vector<std::string> names = packed_names(Split::train);
  EXPECT_EQ(names.size(), 37U);
  EXPECT_THAT(names, testing::Not(testing::Contains("b/3.jpg")));
  EXPECT_EQ(names[0], "a/1.jpg");
}

TEST_F(Packing, AShardWithoutImagesIsAnError) {
  put_file(in() / "a/1.jpg", jpeg_file({8, 8, 3}, 1));
  put_file(in() / "b/1.jpg", {0xFF, 0xD8, 0xFF, 0xE0, 0, 1});
  PackOptions wanted = options();
  wanted.skip_bad_images = true;
  wanted.shards = 2;
  EXPECT_EQ(error_with(wanted), "all 1 images of shard 2 of 2 (train) are broken");
}

TEST_F(Packing, AFileWithTheNameOfAnImageIsAnImage) {
  put_classes(in(), {"a", "b"}, 3);
  put_file(in() / "a/readme.txt", text_bytes("not an image"));
  put_file(in() / "a/9.JPG", text_bytes("an error page"));
  EXPECT_EQ(error_with(options()), (in() / "a/9.JPG").string() +
                                       ": expected a JPEG, PNG or WebP image, found other bytes");
  put_file(in() / "a/9.JPG", {});
  PackOptions wanted = options();
  wanted.skip_bad_images = true;
  EXPECT_EQ(pack_with(wanted)[0].left_out, 1);
  EXPECT_THAT(warnings,
              ElementsAre((in() / "a/9.JPG").string() + ": expected a JPEG, PNG or WebP image, "
                                                        "found an empty file; the image is left "
                                                        "out"));
  EXPECT_THAT(source()->content().notes,
              ElementsAre("a/readme.txt is left out: it is no JPEG, PNG or WebP image"));
}

TEST_F(Packing, NotesSayWhatAFolderContainsBesidesFiles) {
  put_classes(in(), {"a", "b"}, 2);
  put_file(in() / "a/.hidden", {1});
  fs::create_directory(in() / "c");
  ASSERT_EQ(::mkfifo((in() / "a/z.jpg").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((in() / "a/y.jpg").c_str(), 0600), 0);
  EXPECT_THAT(source()->content().notes,
              ElementsAre("1 hidden file or folder is left out", "c/ is an empty folder",
                          "2 entries are left out: they are no regular files, for example "
                          "a/y.jpg"));
}

TEST_F(Packing, WhatIsNoSourceIsSaid) {
  const auto error_of = [](const std::string& from) {
    SourceRequest request;
    request.from = from;
    return message_of([&] { open_source(PackTeam(), request); });
  };
  EXPECT_EQ(error_of("photos.tar"),
            "found no file or folder 'photos.tar'; unknown dataset 'photos.tar'; expected one of "
            "fashion-mnist, mnist, cifar10, cifar100, cifar100-coarse, synthetic");
  EXPECT_THAT(error_of((in() / "absent").string()), HasSubstr("absent: No such file"));
  put_file(in() / "1.jpg", jpeg_file({8, 8, 3}, 1));
  EXPECT_EQ(error_of((in() / "1.jpg").string()),
            (in() / "1.jpg").string() +
                ": expected text with a path and a label on each line, or "
                "an archive (tar or zip), found other bytes");
}

TEST_F(Packing, AnUnreadableFileIsNamed) {
  put_classes(in(), {"a", "b"}, 3);
  fs::create_symlink(in() / "nothing", in() / "a/9.jpg");
  EXPECT_THAT(error_with(options()), testing::AllOf(StartsWith((in() / "a/9.jpg").string() + ": "),
                                                    HasSubstr("No such file")));
}

TEST_F(Packing, APartOfEachClassBecomesTest) {
  put_classes(in(), {"a", "b"}, 20);
  PackOptions wanted = options();
  wanted.selection.valid = 0.2;
  pack_with(wanted);
  const std::vector<std::string> first = packed_names(Split::test);
  EXPECT_EQ(first.size(), 8U);
  EXPECT_EQ(ShardDataset(out(), Split::test).class_counts(8), (std::vector<int64_t>{4, 4}));
  EXPECT_EQ(ShardDataset(out(), Split::train).class_counts(32), (std::vector<int64_t>{16, 16}));
  for (const std::string& name : packed_names(Split::train))
    EXPECT_THAT(first, testing::Not(testing::Contains(name)));
  fs::remove_all(out());
  pack_with(wanted);
  EXPECT_EQ(packed_names(Split::test), first);
  fs::remove_all(out());
  wanted.selection.seed = 1;
  pack_with(wanted);
  EXPECT_NE(packed_names(Split::test), first);
  fs::remove_all(out());
  put_classes(in() / "train", {"a", "b"}, 2);
  put_classes(in() / "test", {"a", "b"}, 2);
  EXPECT_EQ(error_with(wanted), "--valid: the source has a split test already");
}

TEST_F(Packing, ARandomOrderMixesTheClasses) {
  put_classes(in(), {"a", "b"}, 20);
  PackOptions wanted = options();
  wanted.selection.order = ItemOrder::random;
  pack_with(wanted);
  std::vector<std::string> names = packed_names(Split::train);
  int changes = 0;
  for (size_t i = 1; i < names.size(); ++i) changes += names[i][0] != names[i - 1][0] ? 1 : 0;
  EXPECT_GT(changes, 10);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()) - names.begin(), 40);
}

TEST_F(Packing, ThreadsDoNotChangeTheBytes) {
  put_classes(in(), {"a", "b", "c"}, 40);
  PackOptions wanted = options();
  wanted.form.set_resize("16");
  wanted.shards = 2;
  wanted.threads = 1;
  pack_with(wanted);
  const auto first = bytes_of(out() / shard_name(Split::train, 1, 2));
  fs::remove_all(out());
  wanted.threads = 5;
  pack_with(wanted);
  EXPECT_EQ(bytes_of(out() / shard_name(Split::train, 1, 2)), first);
}

TEST_F(Packing, ListsHaveTheirOwnFolders) {
  put_file(in() / "x/1.jpg", jpeg_file({8, 8, 3}, 1));
  put_file(in() / "x/2.jpg", jpeg_file({8, 8, 3}, 2));
  put_file(in() / "other/x/3.jpg", jpeg_file({8, 8, 3}, 3));
  put_file(in() / "train.csv", text_bytes("path,label\nx/2.jpg,dog\nx/1.jpg,cat\n"));
  put_file(in() / "other/test.txt", text_bytes("x/3.jpg dog\n"));
  SourceRequest request;
  request.from = (in() / "train.csv").string();
  request.test_from = (in() / "other/test.txt").string();
  pack(PackTeam(), *open_source(PackTeam(), request), options(), PackHooks());
  EXPECT_THAT(packed_names(Split::train), ElementsAre("x/2.jpg", "x/1.jpg"));
  EXPECT_EQ(ShardDataset(out(), Split::train).label(0), 1);
  EXPECT_EQ(ShardDataset(out(), Split::test).label(0), 1);
  fs::remove_all(out());
  put_file(in() / "train.csv", text_bytes("x/2.jpg,dog\nx/7.jpg,cat\n"));
  EXPECT_THAT(message_of([&] {
                pack(PackTeam(), *open_source(PackTeam(), request), options(), PackHooks());
              }),
              StartsWith((in() / "train.csv").string() + ", line 2 (x/7.jpg): cannot read"));
}

TEST_F(Packing, AFolderInsideOfItselfIsAnError) {
  put_classes(in(), {"a", "b"}, 1);
  fs::create_directory_symlink(in(), in() / "a/loop");
  EXPECT_EQ(message_of([&] { source(); }),
            (in() / "a/loop").string() + ": expected a folder, found a link to a folder around it");
}

TEST_F(Packing, RealPhotosKeepTheirPixels) {
  const fs::path photos = data_dir() / "ants-bees";
  if (!fs::exists(photos)) GTEST_SKIP() << kNoData;
  SourceRequest request;
  request.from = photos.string();
  pack(PackTeam(), *open_source(PackTeam(), request), options(), PackHooks());
  const ShardDataset train(out(), Split::train), test(out(), Split::test);
  EXPECT_EQ(train.class_counts(train.samples()), (std::vector<int64_t>{123, 121}));
  EXPECT_EQ(test.class_counts(test.samples()), (std::vector<int64_t>{70, 83}));
  train.visit({{100}}, [&](size_t, const Sample& sample) {
    EXPECT_EQ(std::vector<uint8_t>(sample.bytes.begin(), sample.bytes.end()),
              bytes_of(photos / train.name_of(100)));
  });
}

}  // namespace
}  // namespace d2l::data::test
