#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <memory>

#include "framework/base/files.h"
#include "framework/checkpoint/file.h"
#include "framework/weights/safetensors.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// d2l-ckpt convert, and --weights with what it writes.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

ProgramResult convert(const fs::path& run, const fs::path& to) {
  return run_program({"d2l-ckpt", "convert", run.string(), to.string()});
}

// The parameters and buffers of a run's checkpoint.
Snapshot network_of(const fs::path& run, const std::string& step) {
  Snapshot all = read_checkpoint(run / "checkpoints" / ("step-" + step + ".h5")), network;
  for (auto& [name, array] : all.arrays)
    if (name.starts_with("parameters/") || name.starts_with("buffers/"))
      network.arrays.emplace(name, array);
  return network;
}

class Convert : public testing::TestWithParam<const char*> {
 protected:
  TemporaryFolder folder_;
  fs::path first_ = folder_.path() / "first", second_ = folder_.path() / "second",
           file_ = folder_.path() / "a.safetensors";
};

// A flattened image (lenet), batch norms (bn-lenet), blocks (resnet20), attention (vit-tiny).
TEST_P(Convert, AndBackGivesTheSameBits) {
  const Words options = {"--model", GetParam(), "--batch-size", "8", "--max-steps", "1"};
  ASSERT_EQ(train(0, options + Words{"--out", first_}).exit_code, 0);
  const ProgramResult converted = convert(first_, file_);
  ASSERT_EQ(converted.exit_code, 0) << converted.output;
  EXPECT_THAT(converted.output, HasSubstr(std::string(GetParam()) + " after step 1, written to "));
  // So small a learning rate changes no weight; one of 0 is refused. Running statistics are frozen.
  const Words still = {"--weights", file_, "--lr", "1e-300", "--freeze", "*bn*", "--seed", "5"};
  const bool has_norms =
      network_of(first_, "00000001").arrays.count("buffers/bn1.running_mean") > 0;
  const Words again = options + (has_norms ? still : Words(still.begin(), still.begin() + 4));
  const ProgramResult trained = train(0, again + Words{"--out", second_});
  ASSERT_EQ(trained.exit_code, 0) << trained.output;
  EXPECT_THAT(trained.output, HasSubstr("  new        0\n  unused     0\n  mismatched 0\n"));
  EXPECT_EQ(diff_snapshots(network_of(first_, "00000001"), network_of(second_, "00000001")),
            std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Networks, Convert,
                         testing::Values("lenet", "bn-lenet", "resnet20", "vit-tiny"),
                         [](const auto& network) {
                           std::string name = network.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_F(Convert, WritesWhatPyTorchExpects) {
  ASSERT_EQ(train(0, {"--model", "bn-lenet", "--max-steps", "1", "--normalize", "0.5:0.25", "--out",
                      first_})
                .exit_code,
            0);
  ASSERT_EQ(convert(first_, file_).exit_code, 0);
  const auto file = weights::open_weights(file_);
  std::map<std::string, Shape> shapes;
  for (const weights::WeightInfo& weight : file->weights()) {
    shapes[weight.name] = weight.shape;
    const bool counts = weight.name.ends_with("num_batches_tracked");
    EXPECT_EQ(weight.type, counts ? weights::ElementType::i64 : weights::ElementType::f32);
  }
  EXPECT_EQ(shapes["conv2.weight"], (Shape{16, 6, 5, 5}));
  EXPECT_EQ(shapes["fc1.weight"], (Shape{120, 256}));
  EXPECT_EQ(shapes.count("bn4.num_batches_tracked"), 1U);
  const std::map<std::string, std::string> expected = {
      {"format", "pt"},  {"model", "bn-lenet"},    {"width", "1"}, {"input", "28x28x1"},
      {"classes", "10"}, {"dataset", "synthetic"}, {"step", "1"},  {"eval_transform", "none"},
      {"mean", "0.5"},   {"std", "0.25"}};
  EXPECT_EQ(file->texts(), expected);
}

TEST_F(Convert, RefusesOtherFiles) {
  ASSERT_EQ(train(0, {"--model", "lenet", "--max-steps", "1", "--out", first_}).exit_code, 0);
  EXPECT_THAT(
      convert(first_, folder_.path() / "a.pth").output,
      HasSubstr("convert expects a file to write that ends with .safetensors or .h5, found "));
  EXPECT_THAT(convert(folder_.path() / "none", file_).output,
              HasSubstr("expected a run folder or a checkpoint, found no such file or folder"));
  EXPECT_THAT(convert(first_, folder_.path() / "none" / "a.safetensors").output,
              HasSubstr("No such file or directory"));
  EXPECT_FALSE(fs::exists(file_));
}

// A run on the sample of Fashion-MNIST, whose classes have names, and its weights for PyTorch.
class ConvertBack : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    trained_ = run_program({"d2l-train", "--threads", "1", "--data", sample_folder(), "--model",
                            "bn-lenet", "--epochs", "1", "--ema", "0.9", "--normalize", "0.3:0.4",
                            "--out", path("run")});
    converted_ = convert(path("run"), path("a.safetensors"));
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    ASSERT_EQ(trained_.exit_code, 0) << trained_.output;
    ASSERT_EQ(converted_.exit_code, 0) << converted_.output;
  }

  static std::string sample_folder() {
    return (source_dir() / "data/samples/fashion-mnist").string();
  }
  static std::string path(const std::string& name) { return (folder_->path() / name).string(); }
  // Of a file that could not be converted to out.h5, which is then still the old one.
  static std::string complaint(const std::string& file, const std::string& like) {
    write_text_file(path("out.h5"), "old");
    const ProgramResult result = convert_back(file, path("out.h5"), like);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_EQ(read_text_file(path("out.h5")), "old");
    return result.output;
  }
  static ProgramResult convert_back(const std::string& file, const std::string& to,
                                    const std::string& like) {
    return run_program({"d2l-ckpt", "convert", file, to, "--like", like});
  }
  // As a program of PyTorch saves them: a.safetensors with other values. The last layer has
  // `classes` outputs.
  static std::string other_weights(const std::map<std::string, std::string>& metadata,
                                   int64_t classes = 10, float scale = 1) {
    const auto file = weights::open_weights(path("a.safetensors"));
    std::vector<weights::WeightToWrite> written;
    for (size_t i = 0; i < file->weights().size(); ++i) {
      weights::WeightInfo weight = file->weights()[i];
      std::vector<float> values = file->read(i);
      if (weight.name.starts_with("fc3.")) {
        weight.shape = weight.name == "fc3.bias" ? Shape{classes} : Shape{classes, 84};
        values.resize(static_cast<size_t>(weight.shape.elements()));
        for (float& value : values) value *= scale;
      }
      written.push_back({weight.name, weight.shape, [values] { return values; }, weight.type});
    }
    weights::write_safetensors(path("b.safetensors"), written, metadata);
    return path("b.safetensors");
  }
  static std::string predictions(const std::string& network, const std::string& csv) {
    const ProgramResult result = run_program(
        {"d2l-predict", network, sample_folder(), "--threads", "1", "--out", path(csv)}, 100);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.exit_code == 0 ? read_text_file(path(csv)) : "";
  }

  static std::unique_ptr<TemporaryFolder> folder_;
  static ProgramResult trained_, converted_;
};

std::unique_ptr<TemporaryFolder> ConvertBack::folder_;
ProgramResult ConvertBack::trained_, ConvertBack::converted_;

TEST_F(ConvertBack, PredictsTheSame) {
  const std::string back = path("back.h5");
  write_text_file(back, "an older file, which is replaced");
  const ProgramResult result = convert_back(path("a.safetensors"), back, path("run"));
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("new        0\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("warning")));
  const std::string expected = predictions(path("run"), "run.csv");
  EXPECT_GT(expected.size(), 10000U);
  EXPECT_EQ(predictions(back, "back.csv"), expected);
  Snapshot original = read_checkpoint(path("run") + "/checkpoints/best.h5");
  EXPECT_EQ(read_checkpoint(back).texts["dataset"], original.texts["dataset"]);
  EXPECT_EQ(read_checkpoint(back).texts.count("run"), 0U);
  EXPECT_EQ(run_program({"d2l-ckpt", "info", back}).exit_code, 0);
}

TEST_F(ConvertBack, TakesTheWeightsOfTheFileNotThoseOfTheRun) {
  const std::string back = path("negative.h5");
  ASSERT_EQ(convert_back(other_weights({}, 10, -1), back, path("run")).exit_code, 0);
  EXPECT_NE(predictions(back, "negative.csv"), predictions(path("run"), "run.csv"));
}

TEST_F(ConvertBack, StartsANewRunAndContinuesNone) {
  const std::string back = path("start.h5");
  ASSERT_EQ(convert_back(path("a.safetensors"), back, path("run")).exit_code, 0);
  const Words data = {"d2l-train", "--threads", "1", "--data", sample_folder()};
  const ProgramResult started = run_program(data + Words{"--model", "bn-lenet", "--max-steps", "1",
                                                         "--weights", back, "--out", path("new")});
  EXPECT_EQ(started.exit_code, 0) << started.output;
  EXPECT_THAT(started.output, HasSubstr("  new        0\n"));
  const ProgramResult resumed =
      run_program({"d2l-train", "--resume", path("run"), "--from", back, "--epochs", "2"});
  EXPECT_NE(resumed.exit_code, 0);
  EXPECT_THAT(resumed.output, HasSubstr("expected the state of a training, found only weights"));
}

TEST_F(ConvertBack, RefusesWeightsOfOtherNetworks) {
  ASSERT_EQ(train(0, {"--model", "lenet", "--max-steps", "1", "--out", path("lenet")}).exit_code,
            0);
  EXPECT_THAT(complaint(path("a.safetensors"), path("lenet")),
              HasSubstr("metadata: expected model lenet as in "));
  EXPECT_THAT(complaint(other_weights({}), path("lenet")), HasSubstr("arrays that do not match: "));
  EXPECT_THAT(complaint(other_weights({}, 7), path("run")),
              HasSubstr("found 2 of 26 arrays that do not match: fc3.weight [10, 84] (in the file "
                        "[7, 84]), fc3.bias [10] (in the file [7])\n"));
  EXPECT_THAT(complaint(other_weights({}, 10, INFINITY), path("run")),
              HasSubstr("found elements that are not finite"));
}

TEST_F(ConvertBack, RefusesOtherClassesInTheMetadata) {
  std::map<std::string, std::string> metadata =
      weights::open_weights(path("a.safetensors"))->texts();
  metadata["mean"] = "0.5";
  const ProgramResult warned =
      convert_back(other_weights(metadata), path("warned.h5"), path("run"));
  EXPECT_EQ(warned.exit_code, 0) << warned.output;
  EXPECT_THAT(warned.output, HasSubstr("warning: "));
  EXPECT_THAT(warned.output, HasSubstr("metadata: mean is 0.5, but 0.3 in "));
  metadata["class_names"].replace(0, 1, "X");
  EXPECT_THAT(complaint(other_weights(metadata), path("run")), HasSubstr("found for class 0 'X"));
  metadata["class_names"] = "ants\nbees";
  EXPECT_THAT(complaint(other_weights(metadata), path("run")),
              HasSubstr("metadata: expected the 10 class names of "));
  EXPECT_THAT(complaint(other_weights({{"classes", "2"}}), path("run")),
              HasSubstr("metadata: expected classes 10 as in "));
}

TEST_F(ConvertBack, NeedsLikeAndAnotherFileToWrite) {
  EXPECT_THAT(convert(path("a.safetensors"), path("none.h5")).output,
              HasSubstr("needs --like RUN"));
  EXPECT_FALSE(fs::exists(path("none.h5")));
  EXPECT_THAT(convert_back(path("run"), path("none.safetensors"), path("run")).output,
              HasSubstr("--like has no effect with a .safetensors file"));
  const std::string best = path("run") + "/checkpoints/best.h5";
  EXPECT_THAT(convert_back(path("a.safetensors"), best, path("run")).output,
              HasSubstr("expects another file to write than those that it reads"));
  EXPECT_EQ(run_program({"d2l-ckpt", "info", best, "--like", path("run")}).exit_code, 2);
}

TEST_F(Convert, TheBestCheckpointOfARunIsWhereAnotherOneStarts) {
  ASSERT_EQ(train(0, {"--model", "lenet", "--epochs", "1", "--out", first_}).exit_code, 0);
  const ProgramResult result = train(0, {"--model", "lenet", "--max-steps", "1", "--weights",
                                         first_, "--lr", "1e-300", "--out", second_});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("best.h5 (d2l checkpoint)"));
  EXPECT_EQ(diff_snapshots(network_of(first_, "00000016"), network_of(second_, "00000001")),
            std::vector<std::string>{});
  const ProgramResult both =
      train(0, {"--resume", second_, "--weights", first_, "--max-steps", "3"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.output, HasSubstr("--weights starts a new run, and --resume continues one"));
}

}  // namespace
}  // namespace d2l::test
