#include <gmock/gmock.h>

#include <cstdlib>

#include "data/formats/idx.h"
#include "framework/base/files.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// Writes `samples` training samples and half as many test samples as files of fashion-mnist.
void write_images(const fs::path& folder, int64_t samples, uint8_t classes = 10) {
  fs::create_directories(folder);
  for (const char* begin : {"train", "t10k"}) {
    const std::vector<uint8_t> bytes(static_cast<size_t>(samples * 28 * 28), 7);
    std::vector<uint8_t> labels(static_cast<size_t>(samples));
    for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i % classes);
    data::write_idx(folder / (std::string(begin) + "-images-idx3-ubyte"), {samples, 28, 28}, bytes);
    data::write_idx(folder / (std::string(begin) + "-labels-idx1-ubyte"), {samples}, labels);
    samples /= 2;
  }
}

// Runs d2l-train with `folder` as the current folder.
ProgramResult train_in(const fs::path& folder, const std::string& options) {
  return run_program({"/bin/sh", "-c",
                      "cd " + folder.string() + " && exec " + (bin_dir() / "d2l-train").string() +
                          " --threads 1 " + options});
}

// A folder with the dataset's name changes nothing, neither at the start of a run nor at its
// resume.
TEST(Inputs, ADatasetsNameMeansTheSameInEveryFolder) {
  TemporaryFolder folder;
  const fs::path here = folder.path() / "here", there = folder.path() / "there";
  write_images(here / "fashion-mnist", 64);
  write_images(there / "fashion-mnist", 40);
  const ProgramResult first =
      train_in(here, "--model softmax-regression --epochs 1 --batch-size 32 --out run");
  ASSERT_EQ(first.exit_code, 0) << first.output;
  EXPECT_THAT(first.output, HasSubstr("fashion-mnist, 64 + 32 samples"));
  EXPECT_THAT(first.output, HasSubstr("\ndata = fashion-mnist\ndata-dir = " + here.string()));
  const ProgramResult second = train_in(there, "--resume ../here/run --epochs 2");
  EXPECT_EQ(second.exit_code, 0) << second.output;
  EXPECT_THAT(second.output, HasSubstr("fashion-mnist, 64 + 32 samples"));
}

// Older versions stored the path of a folder with the dataset's name.
TEST(Inputs, AStoredPathOfADatasetsFolderIsUnderstood) {
  TemporaryFolder folder;
  const fs::path here = folder.path() / "here", there = folder.path() / "there";
  write_images(here / "fashion-mnist", 64);
  write_images(there / "fashion-mnist", 40);
  ASSERT_EQ(
      train_in(here, "--model softmax-regression --epochs 1 --batch-size 32 --out run").exit_code,
      0);
  const fs::path stored = here / "run" / "config.ini";
  std::string text = read_text_file(stored);
  const std::string name = "\ndata = fashion-mnist\n";
  ASSERT_THAT(text, HasSubstr(name));
  text.replace(text.find(name), name.size(),
               "\ndata = " + (here / "fashion-mnist").string() + "\n");
  write_text_file(stored, text);
  const ProgramResult resumed = train_in(there, "--resume ../here/run --epochs 2");
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("fashion-mnist, 64 + 32 samples"));
}

TEST(Inputs, WarnsOfClassesWithoutSamples) {
  TemporaryFolder folder;
  write_images(folder.path() / "mnist", 18, 9);
  const ProgramResult result = train_in(
      folder.path(), "--model softmax-regression --data mnist --max-steps 1 --batch-size 9");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("warning: mnist, train: no samples of 1 of 10 classes: 9 "
                                       "(9); samples per class: 2, 2, 2, 2, 2, 2, 2, 2, 2, 0\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("mnist, test: ")));
}

TEST(Inputs, PathsOfTheHomeFolder) {
  TemporaryFolder folder;
  const std::string options = "--model softmax-regression --data synthetic --max-steps 1 ";
  ASSERT_EQ(setenv("HOME", folder.path().c_str(), 1), 0);
  const ProgramResult quoted = train_in(folder.path(), options + "--out='~/run'");
  EXPECT_EQ(quoted.exit_code, 0) << quoted.output;
  write_text_file(folder.path() / "run.ini", "\xef\xbb\xbfout = ~/second\r\nlr = 0.5\r\n");
  const ProgramResult in_file = train_in(folder.path(), options + "--config '~/run.ini'");
  EXPECT_EQ(in_file.exit_code, 0) << in_file.output;
  for (const char* run : {"run", "second"})
    EXPECT_TRUE(fs::exists(folder.path() / run / "config.ini")) << run;
  EXPECT_FALSE(fs::exists(folder.path() / "~"));
}

}  // namespace
}  // namespace d2l::test
