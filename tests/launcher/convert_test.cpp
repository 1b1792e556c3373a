#include <gmock/gmock.h>

#include "framework/checkpoint/file.h"
#include "framework/weights/weight_file.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// d2l-ckpt convert, and --weights with what it writes.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

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
  EXPECT_THAT(convert(first_, folder_.path() / "a.pth").output,
              HasSubstr("convert expects a file to write that ends with .safetensors, found "));
  EXPECT_THAT(convert(folder_.path() / "none", file_).output,
              HasSubstr("expected a run folder or a checkpoint, found no such file or folder"));
  EXPECT_THAT(convert(first_, folder_.path() / "none" / "a.safetensors").output,
              HasSubstr("No such file or directory"));
  EXPECT_FALSE(fs::exists(file_));
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
