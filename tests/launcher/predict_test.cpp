#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <regex>
#include <sstream>

#include "data/catalog.h"
#include "data/formats/write_image.h"
#include "framework/base/files.h"
#include "framework/base/text.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// d2l-predict on real runs.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The committed sample of Fashion-MNIST: 2,000 test images.
std::string sample_folder() { return (source_dir() / "data/samples/fashion-mnist").string(); }

ProgramResult predict(int ranks, const Words& words) {
  return run_program(on_ranks(ranks, Words{"d2l-predict"} + words), 100);
}

Words lines_of(const fs::path& path) {
  std::istringstream stream(read_text_file(path));
  Words lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The fields of a line without quotes.
Words fields_of(const std::string& line) {
  std::istringstream stream(line);
  Words fields;
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

// The number of correct images that d2l-predict printed: "accuracy 0.710 (1,420 of 2,000)".
int correct_of(const ProgramResult& result, const std::string& metric) {
  const std::regex pattern(" " + metric + " [0-9.]+ [(]([0-9,]+) of ");
  std::smatch found;
  if (!std::regex_search(result.output, found, pattern)) return -1;
  std::string digits = found[1];
  std::erase(digits, ',');
  return std::stoi(digits);
}

// One run for all tests of this file: two epochs, of which the first has the better accuracy.
class Predict : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    const Words shared = {"--threads", "1", "--data", sample_folder()};
    const Words lenet = {"--model",      "bn-lenet", "--optimizer", "adam", "--lr",  "0.002",
                         "--epochs",     "2",        "--ema",       "0.97", "--out", run(),
                         "--batch-size", "100"};
    trained_ = run_program(on_ranks(2, Words{"d2l-train"} + shared + lenet), 100);
    // Better weights than those of the second epoch, so that best.h5 is not the newest.
    const std::string best = run() + "/checkpoints/best.h5";
    fs::remove(best);
    fs::copy_file(run() + "/checkpoints/step-00000100.h5", best);
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override { ASSERT_EQ(trained_.exit_code, 0) << trained_.output; }

  static std::string in_folder(const std::string& name) {
    return (folder_->path() / name).string();
  }
  static std::string run() { return in_folder("run"); }
  static Snapshot newest() {
    return read_checkpoint(CheckpointStore::path_of(run() + "/checkpoints", 200));
  }
  // Writes the sample's test images as PNG files in one folder per class; returns the folder.
  static std::string write_files(const std::string& name, int64_t count) {
    const auto dataset = data::open_dataset(sample_folder(), ".", data::Split::test);
    for (int64_t i = 0; i < count; ++i)
      dataset->visit(std::vector{i}, [&](size_t, const data::Sample& sample) {
        const std::vector<uint8_t> png =
            data::encode_png({sample.shape, {sample.bytes.begin(), sample.bytes.end()}});
        const std::string& label = dataset->class_names()[static_cast<size_t>(sample.label)];
        const fs::path folder = folder_->path() / name / label;
        fs::create_directories(folder);
        write_text_file(folder / (std::to_string(1000 + i) + ".png"), {png.begin(), png.end()});
      });
    return in_folder(name);
  }

  static std::unique_ptr<TemporaryFolder> folder_;
  static ProgramResult trained_;
};

std::unique_ptr<TemporaryFolder> Predict::folder_;
ProgramResult Predict::trained_;

TEST_F(Predict, GivesTheSameFileOnAnyNumberOfRanksAndTheAccuracyThatTrainingPrinted) {
  std::string reference;
  for (const int ranks : {0, 1, 2, 3}) {
    const std::string out = in_folder(std::to_string(ranks) + ".csv");
    const ProgramResult result =
        predict(ranks, {run(), sample_folder(), "--from", "200", "--out", out, "--threads", "1"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const int correct = correct_of(result, "accuracy");
    EXPECT_EQ(correct / 2000.0, newest().reals.at("progress/test_accuracy"));
    EXPECT_GT(correct, 1000);  // a network that guesses has 200
    char accuracy[32];
    std::snprintf(accuracy, sizeof accuracy, "%.3f", correct / 2000.0);
    EXPECT_THAT(trained_.output, ContainsRegex("epoch 2/2: .*test acc " + std::string(accuracy)));
    EXPECT_THAT(result.output, HasSubstr("accuracy " + std::string(accuracy) + " ("));
    if (reference.empty()) reference = read_text_file(out);
    EXPECT_TRUE(read_text_file(out) == reference) << ranks << " ranks";
  }
  const Words lines = lines_of(in_folder("0.csv"));
  ASSERT_EQ(lines.size(), 2001U);
  EXPECT_EQ(lines[0],
            "image,label,class1,probability1,class2,probability2,class3,probability3,class4,"
            "probability4,class5,probability5");
  int correct = 0;
  for (size_t i = 1; i < lines.size(); ++i) {
    const Words fields = fields_of(lines[i]);
    ASSERT_EQ(fields.size(), 12U) << lines[i];
    EXPECT_EQ(fields[0], std::to_string(i - 1));
    correct += fields[1] == fields[2] ? 1 : 0;
    for (size_t k = 5; k < 12; k += 2) EXPECT_LE(std::stod(fields[k]), std::stod(fields[k - 2]));
  }
  EXPECT_EQ(correct / 2000.0, newest().reals.at("progress/test_accuracy"));
}

TEST_F(Predict, UsesTheBestCheckpointWithAveragedWeights) {
  const double best =
      read_checkpoint(run() + "/checkpoints/best.h5").reals.at("progress/test_accuracy");
  ASSERT_NE(best, newest().reals.at("progress/test_accuracy"));
  const ProgramResult result = predict(0, {run(), sample_folder(), "--out", in_folder("a.csv")});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr(concat("best.h5 (best checkpoint: test accuracy ",
                                              rounded(best), "): bn-lenet after step 100, ")));
  EXPECT_THAT(result.output, HasSubstr(" parameters, averaged weights, f32\n"));
  EXPECT_EQ(correct_of(result, "accuracy") / 2000.0, best);
  // The other ways to name a checkpoint.
  const std::string file = run() + "/checkpoints/step-00000200.h5";
  for (const Words& words : {Words{file}, Words{run(), "--from", "200"}, {run(), "--from", file}}) {
    const ProgramResult named =
        predict(0, words + Words{sample_folder(), "--out", in_folder("b.csv")});
    EXPECT_THAT(named.output, HasSubstr("step-00000200.h5: bn-lenet after step 200, "));
  }
}

TEST_F(Predict, FallsBackToTheNewestCheckpointIfTheBestIsDamagedOrMissing) {
  const std::string copy = in_folder("copy");
  fs::copy(run(), copy, fs::copy_options::recursive);
  const fs::path best = fs::path(copy) / "checkpoints/best.h5";
  fs::resize_file(best, fs::file_size(best) - 1);
  const Words words = {copy, sample_folder(), "--out", in_folder("a.csv")};
  const ProgramResult damaged = predict(2, words);
  EXPECT_EQ(damaged.exit_code, 0) << damaged.output;
  EXPECT_THAT(damaged.output, ContainsRegex("warning: [^\n]*best.h5[^\n]*; skipped\n"));
  EXPECT_THAT(damaged.output, HasSubstr("step-00000200.h5 (newest checkpoint): "));
  fs::remove(best);
  const ProgramResult missing = predict(0, words);
  EXPECT_THAT(missing.output, Not(HasSubstr("warning: ")));
  EXPECT_THAT(missing.output, HasSubstr("step-00000200.h5 (newest checkpoint): "));
}

TEST_F(Predict, ReadsFoldersOfFilesLikeShardsAndKnowsTheirLabels) {
  const std::string files = write_files("files", 150);
  write_text_file(fs::path(files) / "bag" / "notes.txt", "no image");
  const std::string of_files = in_folder("files.csv"), of_shards = in_folder("shards.csv");
  ASSERT_EQ(predict(0, {run(), sample_folder(), "--out", of_shards}).exit_code, 0);
  const ProgramResult result = predict(2, {run(), files, "--out", of_files});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("note: " + files + ": bag/notes.txt is left out: it is no JPEG"));
  std::map<std::string, std::string> expected;  // path -> the rest of the line
  const Words shards = lines_of(of_shards), lines = lines_of(of_files);
  for (size_t i = 0; i < 150; ++i) {
    const std::string& line = shards[i + 1];
    const Words fields = fields_of(line);
    expected[files + "/" + fields[1] + "/" + std::to_string(1000 + i) + ".png"] =
        line.substr(line.find(','));
  }
  ASSERT_EQ(lines.size(), 151U);
  EXPECT_TRUE(std::is_sorted(lines.begin() + 1, lines.end()));
  int correct = 0;
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t comma = lines[i].find(',');
    EXPECT_EQ(lines[i].substr(comma), expected[lines[i].substr(0, comma)]) << lines[i];
    correct += fields_of(lines[i])[1] == fields_of(lines[i])[2] ? 1 : 0;
  }
  EXPECT_EQ(correct, correct_of(result, "accuracy"));
  EXPECT_GE(correct_of(result, "top-5 accuracy"), correct);
}

TEST_F(Predict, LeavesLabelsOutUnlessAllImagesHaveOne) {
  const std::string files = write_files("some", 20);
  const fs::path one = fs::path(files) / "dress" / "one.png";
  fs::copy_file(fs::directory_iterator(fs::path(files) / "bag")->path(), one);
  const ProgramResult file = predict(0, {run(), one.string(), "--top", "1"});
  EXPECT_EQ(file.exit_code, 0) << file.output;
  EXPECT_THAT(file.output, HasSubstr("image,class1,probability1\n" + one.string() + ",bag,"));
  EXPECT_THAT(file.output, EndsWith("1 image\n"));
  const ProgramResult mixed = predict(0, {run(), one.string(), files, "--top", "1"});
  EXPECT_THAT(mixed.output, HasSubstr("note: labels are not used: only 21 of 22 images are in "
                                      "folders with the names of classes; " +
                                      one.string() + " is not\n"));
  EXPECT_THAT(mixed.output, HasSubstr("image,class1,probability1\n"));
  EXPECT_THAT(mixed.output, EndsWith("22 images\n"));
}

TEST_F(Predict, NamesDamagedImagesAndLeavesThemOut) {
  const std::string files = write_files("broken", 40);
  const fs::path broken = fs::path(files) / "bag" / "broken.png";
  fs::copy_file(fs::directory_iterator(fs::path(files) / "bag")->path(), broken);
  fs::resize_file(broken, fs::file_size(broken) / 2);
  write_text_file(fs::path(files) / "coat" / "text.jpg", "text");
  std::string reference;
  for (const int ranks : {0, 3}) {
    const std::string out = in_folder("broken.csv");
    const Words words = {run(), files, "--out", out, "--batch-size", "4"};
    const ProgramResult result = predict(ranks, words);
    EXPECT_EQ(result.exit_code, 1) << result.output;
    for (const char* message :
         {"\ndamaged: [^\n]*/bag/broken.png: [^\n]*\ndamaged: [^\n]*/coat/text.jpg: this is not a ",
          "\n40 images, 2 more are damaged: accuracy ",
          "error: 2 of 42 images are damaged and left out; --on-bad-sample skip accepts this\n"})
      EXPECT_THAT(result.output, ContainsRegex(message));
    EXPECT_EQ(lines_of(out).size(), 41U);
    EXPECT_THAT(read_text_file(out), Not(HasSubstr("broken.png")));
    EXPECT_TRUE(reference.empty() || reference == read_text_file(out));
    reference = read_text_file(out);
    EXPECT_EQ(predict(ranks, words + Words{"--on-bad-sample", "skip"}).exit_code, 0);
  }
  const ProgramResult none = predict(0, {run(), broken.string(), "--on-bad-sample", "skip"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.output, HasSubstr("error: expected images, found only damaged ones\n"));
}

// Colour images of several sizes, for a network of grey images of 28 x 28.
TEST_F(Predict, BringsOtherImagesToTheNetworksInputAndSaysSo) {
  const fs::path folder = folder_->path() / "colour";
  fs::create_directories(folder);
  for (const int64_t height : {40, 56}) {
    data::Image image{{height, 56, 3}, {}};
    for (int64_t i = 0; i < image.shape.elements(); ++i)
      image.pixels.push_back(static_cast<uint8_t>(i % 251));
    const std::vector<uint8_t> png = data::encode_png(image);
    write_text_file(folder / (std::to_string(height) + ".png"), {png.begin(), png.end()});
  }
  const ProgramResult result = predict(0, {run(), folder.string(), "--top", "10"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("note: images are resized to the network's input, 28 x 28, "
                                       "without regard to their proportions: "));
  EXPECT_THAT(result.output, HasSubstr("class10,probability10\n"));
  const std::string same = write_files("same", 3);
  EXPECT_THAT(predict(0, {run(), same}).output, Not(HasSubstr("resized")));
}

TEST_F(Predict, WritesTheConfusionMatrixAndTheMistakes) {
  const std::string matrix = in_folder("confusion.csv"), sheet = in_folder("sheet.png");
  const ProgramResult result =
      predict(2, {run(), sample_folder(), "--out", in_folder("a.csv"), "--confusion", matrix,
                  "--sheet", sheet, "--sheet-images", "9"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const Words lines = lines_of(matrix);
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_THAT(lines[0], StartsWith("label,t-shirt,trouser,"));
  int all = 0, correct = 0;
  for (size_t row = 1; row < 11; ++row) {
    const Words fields = fields_of(lines[row]);
    ASSERT_EQ(fields.size(), 11U);
    EXPECT_EQ(fields[0], fields_of(lines[0])[row]);
    for (size_t i = 1; i < 11; ++i) all += std::stoi(fields[i]);
    correct += std::stoi(fields[row]);
  }
  EXPECT_EQ(all, 2000);
  EXPECT_EQ(correct, correct_of(result, "accuracy"));
  EXPECT_THAT(result.output, HasSubstr("\n9 ankle boot "));
  const std::vector<uint8_t> png = read_bytes(sheet);
  data::Image image;
  data::decode_image(png, 3, image);
  EXPECT_EQ(image.shape[1], 3 * (128 + 8) + 8);  // three pictures in a row
}

// Compared with what follows from the confusion matrix.
TEST_F(Predict, WritesTheResultsOfEachClass) {
  const std::string matrix = in_folder("m.csv"), classes = in_folder("classes.csv");
  const ProgramResult result = predict(3, {run(), sample_folder(), "--out", in_folder("a.csv"),
                                           "--confusion", matrix, "--per-class", classes});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const Words rows = lines_of(matrix), lines = lines_of(classes);
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines[0], "class,images,predicted,precision,recall,f1");
  double sum_of_recalls = 0;
  for (size_t c = 1; c < 11; ++c) {
    double images = 0, predicted = 0;
    for (size_t i = 1; i < 11; ++i) {
      images += std::stod(fields_of(rows[c])[i]);
      predicted += std::stod(fields_of(rows[i])[c]);
    }
    const double correct = std::stod(fields_of(rows[c])[c]);
    ASSERT_GT(correct, 0);
    const double precision = correct / predicted, recall = correct / images;
    sum_of_recalls += recall;
    const Words fields = fields_of(lines[c]);
    ASSERT_EQ(fields.size(), 6U) << lines[c];
    EXPECT_EQ(fields[0], fields_of(rows[c])[0]);
    EXPECT_EQ(std::stod(fields[1]), images);
    EXPECT_EQ(std::stod(fields[2]), predicted);
    EXPECT_NEAR(std::stod(fields[3]), precision, 1e-6);
    EXPECT_NEAR(std::stod(fields[4]), recall, 1e-6);
    EXPECT_NEAR(std::stod(fields[5]), 2 * precision * recall / (precision + recall), 1e-6);
    EXPECT_THAT(result.output,
                ContainsRegex(concat("\n", c - 1, " ", fields[0], " +", images, " +", predicted,
                                     " +", fixed(precision, 3), " +", fixed(recall, 3), " +")));
  }
  EXPECT_THAT(result.output, HasSubstr(concat("\nbalanced accuracy ", fixed(sum_of_recalls / 10, 3),
                                              " (mean recall of the 10 classes)\n")));
}

// Three images of two classes: most classes have no images and no predictions.
TEST_F(Predict, SaysWhichResultsOfAClassAreUndefined) {
  const std::string files = write_files("three", 3), classes = in_folder("three.csv");
  const ProgramResult result =
      predict(0, {run(), files, "--out", in_folder("a.csv"), "--per-class", classes});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  std::map<std::string, int> images, predicted, correct;
  for (const std::string& line : lines_of(in_folder("a.csv"))) {
    const Words fields = fields_of(line);
    if (fields[0] == "image") continue;
    ++images[fields[1]];
    ++predicted[fields[2]];
    correct[fields[1]] += fields[1] == fields[2] ? 1 : 0;
  }
  int undefined = 0;
  for (const std::string& line : lines_of(classes)) {
    const Words fields = fields_of(line);
    if (fields[0] == "class") continue;
    EXPECT_EQ(fields[1], std::to_string(images[fields[0]]));
    EXPECT_EQ(fields[2], std::to_string(predicted[fields[0]]));
    EXPECT_EQ(fields[3] == "undefined", predicted[fields[0]] == 0) << line;
    EXPECT_EQ(fields[4] == "undefined", images[fields[0]] == 0) << line;
    EXPECT_EQ(fields[5] == "undefined", predicted[fields[0]] == 0 || images[fields[0]] == 0);
    undefined += fields[3] == "undefined" && fields[4] == "undefined" ? 1 : 0;
  }
  EXPECT_GE(undefined, 4);
  const auto with_images = std::count_if(images.begin(), images.end(),
                                         [](const auto& entry) { return entry.second > 0; });
  EXPECT_THAT(result.output, HasSubstr(concat(" (mean recall of the ", with_images,
                                              " of 10 classes that have images)\n")));
  EXPECT_THAT(result.output, ContainsRegex(" 0 +0 +undefined +undefined +undefined\n"));
}

TEST_F(Predict, KnowsClassesAndStatisticsWithoutTheTrainingData) {
  const fs::path pets = folder_->path() / "pets";
  const std::string cat = "cat, \"grey\"", dog = "dog";
  for (int64_t i = 0; i < 12; ++i) {
    const fs::path folder = pets / (i % 2 == 0 ? cat : dog);
    fs::create_directories(folder);
    const auto shade = static_cast<uint8_t>(i % 2 == 0 ? 20 + i : 200 + i);
    const std::vector<uint8_t> png =
        data::encode_png({{32, 30, 3}, std::vector<uint8_t>(32 * 30 * 3, shade)});
    write_text_file(folder / (std::to_string(i) + ".png"), {png.begin(), png.end()});
  }
  const std::string shards = in_folder("shards"), petrun = in_folder("petrun");
  ASSERT_EQ(run_program({"d2l-data", "pack", "--from", pets, "--valid", "0.2", "--out", shards})
                .exit_code,
            0);
  const ProgramResult trained = run_program(
      {"d2l-train", "--threads", "1", "--model", "softmax-regression", "--data", shards, "--epochs",
       "5", "--batch-size", "4", "--lr", "0.0001", "--normalize", "data", "--out", petrun});
  ASSERT_EQ(trained.exit_code, 0) << trained.output;
  const std::string out = in_folder("pets.csv"), again = in_folder("again.csv");
  const Words words = {petrun, pets.string(), "--out"};
  ASSERT_EQ(predict(0, words + Words{out}).exit_code, 0);
  fs::rename(shards, shards + "-moved");
  const ProgramResult result = predict(2, words + Words{again});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("12 images: accuracy 1.000 (12 of 12)\n"));
  EXPECT_EQ(read_text_file(out), read_text_file(again));
  // Byte order of the folders: the cats come first.
  EXPECT_THAT(lines_of(out)[1], StartsWith("\"" + (pets / "cat, \"\"grey\"\"" / "0.png").string() +
                                           "\",\"cat, \"\"grey\"\"\",\"cat, \"\"grey\"\"\",0."));
  EXPECT_THAT(lines_of(out)[12], ContainsRegex("9.png,dog,dog,0[.][0-9]+,\"cat, "));
  // The same weights with other statistics.
  const std::string other = in_folder("other.h5");
  Snapshot snapshot = read_checkpoint(petrun + "/checkpoints/best.h5");
  std::string& text = snapshot.texts.at("dataset");
  const size_t mean = text.find("mean = ") + 7;
  text.replace(mean, text.find('\n', mean) - mean, "0.1,0.1,0.1");
  write_checkpoint(other, snapshot);
  ASSERT_EQ(predict(0, {other, pets.string(), "--out", again}).exit_code, 0);
  EXPECT_NE(read_text_file(out), read_text_file(again));
}

TEST_F(Predict, NeedsTheTrainingDataForCheckpointsOfOlderVersions) {
  const std::string old = in_folder("old.h5");
  Snapshot snapshot = newest();
  ASSERT_EQ(snapshot.texts.erase("dataset"), 1U);
  write_checkpoint(old, snapshot);
  const Words words = {old, sample_folder(), "--out", in_folder("old.csv")};
  const ProgramResult refused = predict(0, words);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, StartsWith("d2l-predict: error: " + old +
                                         ": expected a description of the training data, found "
                                         "none, because an older version of d2l wrote it"));
  EXPECT_THAT(
      predict(0, words + Words{"--data", "synthetic"}).output,
      ContainsRegex("expected the training data fashion-mnist, .*, found --data synthetic"));
  const ProgramResult named = predict(2, words + Words{"--data", sample_folder()});
  EXPECT_EQ(named.exit_code, 0) << named.output;
  EXPECT_EQ(correct_of(named, "accuracy") / 2000.0, snapshot.reals.at("progress/test_accuracy"));
}

TEST_F(Predict, RefusesWrongInputWithOneLine) {
  const std::string empty = in_folder("empty"), text = in_folder("text"), here = sample_folder();
  fs::create_directories(empty);
  write_text_file(text, "text");
  const std::tuple<Words, int, std::string> cases[] = {
      {{}, 2, "expected a run folder or a checkpoint, and then images or a table, found no words"},
      {{run()},
       2,
       "expected a run folder or a checkpoint, and then images or a table, found only " + run()},
      {{in_folder("none"), here}, 1, ": expected a run folder or a checkpoint, found no such file"},
      {{empty, here}, 1, empty + ": expected a run folder with a checkpoint"},
      {{text, here}, 1, "not a d2l checkpoint: " + text},
      {{run(), here, "--from", "7"}, 2, "--from 7: expected a step with a checkpoint"},
      {{run(), in_folder("none")}, 1, "none: expected an image, a folder or the name of a dataset"},
      {{run(), empty}, 1, empty + ": expected images (JPEG, PNG or WebP) or shards, found none"},
      {{run(), here, empty}, 2, "expected one dataset, or files and folders of images, found "},
      {{run(), text, "--split", "test"}, 2, "--split has no effect with image files"},
      {{run(), text, "--confusion", in_folder("c")}, 2, "--confusion has no effect: the labels "},
      {{run(), text, "--per-class", in_folder("c")}, 2, "--per-class has no effect: the labels "},
      {{run(), here, "--top", "11"}, 2, "--top expects at most the 10 classes of the network"},
      {{run(), here, "--top", "0"}, 2, "--top: expected 1 to "},
      {{run(), here, "--out", in_folder("no/x.csv")}, 2, "x.csv: expected a file in an existing "},
      {{run(), here, "--sheet", "a.jpg"}, 2, "--sheet: expected the name of a PNG file"},
      {{run(), here, "--sheet-images", "3"}, 2, "--sheet-images has no effect without --sheet"},
      {{run(), here, "--data", "mnist"}, 2, "--data mnist has no effect: "},
      {{run(), here, "--tpo", "3"}, 2, "unknown option '--tpo', did you mean '--top'?"},
  };
  for (const auto& [words, exit_code, message] : cases) {
    const ProgramResult result = predict(0, words);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_THAT(result.output, StartsWith("d2l-predict: error: "));
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }
  const ProgramResult on_ranks = predict(2, {run(), empty});
  EXPECT_EQ(on_ranks.exit_code, 1);
  EXPECT_EQ(on_ranks.output.find("error: "), on_ranks.output.rfind("d2l-predict: error: ") + 13)
      << on_ranks.output;
}

}  // namespace
}  // namespace d2l::test
