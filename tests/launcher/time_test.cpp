// --time and --list-models.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <sstream>
#include <tuple>

#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

size_t occurrences(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// The cells after the first word of a line.
std::vector<std::string> cells_after(const std::string& text, const std::string& first) {
  const size_t begin = text.find("\n" + first + " ") + first.size() + 1;
  std::istringstream line(text.substr(begin, text.find('\n', begin) - begin));
  return {std::istream_iterator<std::string>(line), {}};
}

TEST(ListModels, ShowsSizeWorkAndInput) {
  ProgramResult result = run_program({"d2l-train", "--list-models"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const char* line :
       {"\nlenet +61,706 +0\\.417 M +28x28x1 +10\n", "\nresnet18 +11,178,378 +319 M +96x96x1 +10\n",
        "\ntv-alexnet +61,100,840 +714 M +224x224x3 +1000\n",
        "\ntv-vgg16 +138,357,544 +15\\.5 G +224x224x3 +1000\n",
        "\ntv-resnet50 +25,557,032 +4\\.09 G +224x224x3 +1000\n"})
    EXPECT_THAT(result.output, ContainsRegex(line));
}

TEST(ListModels, StandsAlone) {
  ProgramResult result = run_program({"d2l-train", "--list-models", "--lr", "1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("--list-models expects no other options"));
  EXPECT_EQ(run_program({"d2l-train", "--list-models=3"}).exit_code, 2);
}

TEST(Time, SaysWhereTheTimeGoes) {
  for (int ranks : {0, 2}) {
    ProgramResult result = train(ranks, {"--recipe", "bn-lenet", "--time", "4"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    // 256 samples, 24 x 24 x 6 results of 5 x 5: 22 M, divided among the ranks.
    EXPECT_THAT(result.output, ContainsRegex(ranks == 0 ? "\nconv1 [^\n]* 0\\.0221 "
                                                        : "\nconv1 [^\n]* 0\\.0111 "));
    EXPECT_THAT(result.output,
                AllOf(HasSubstr("\nconv2 "), HasSubstr("\nall "), HasSubstr("\nconvolution "),
                      HasSubstr("\nnormalisation "), HasSubstr("4 steps, "), HasSubstr("f32 ")));
    EXPECT_EQ(occurrences(result.output, "examples/s"), 1u);
    EXPECT_THAT(result.output, ContainsRegex("\nwork +ms a step +share +GFLOP/s +of peak +GB/s +of "
                                             "memory +possible ms +possible\n"));
    EXPECT_THAT(result.output, ContainsRegex("memory: [0-9]+\\.[0-9] GB/s"));
    for (const char* work : {"convolution", "normalisation", "all of these"}) {
      const std::vector<std::string> cells = cells_after(result.output, work);
      ASSERT_GE(cells.size(), 11u) << work;
      EXPECT_GT(std::stod(cells[cells.size() - 3]), 0) << work << ": possible ms";
      EXPECT_EQ(cells.back(), "%");
    }
    EXPECT_EQ(cells_after(result.output, "normalisation")[3], "-");  // it has no products
    EXPECT_FALSE(std::filesystem::exists("runs"));
  }
}

// The layers at the ends of the lines, each for one combination of kernels.
TEST(Time, SaysWhichKernelsComputedTheConvolutions) {
  const ProgramResult result = train(0, {"--recipe", "lenet", "--time", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const bool has_wide_vectors = result.output.find("AVX-512") != std::string::npos;
  if (has_wide_vectors)
    EXPECT_THAT(
        result.output,
        AllOf(HasSubstr("\nconvolutions: forward few_channels/pixels_pool, weight gradient "
                        "few_channels/pixels_pool: conv1\n"),
              HasSubstr("\nconvolutions: forward few_channels/channels, input gradient "
                        "few_channels/taps, weight gradient few_channels/channels: conv2\n")));
  else
    EXPECT_THAT(result.output,
                AllOf(HasSubstr("\nconvolutions: forward dnnl, weight gradient dnnl: conv1\n"),
                      HasSubstr("\nconvolutions: forward dnnl, input gradient dnnl, weight "
                                "gradient dnnl: conv2\n")));
  const ProgramResult none = train(0, {"--model", "mlp", "--time", "1"});
  EXPECT_THAT(none.output, Not(HasSubstr("convolutions:")));
}

// More steps than in an epoch, accumulation, and the separate peak of bf16.
TEST(Time, MeasuresWhatTheOptionsSay) {
  ProgramResult result = train(0, {"--model", "mlp", "--batch-size", "1024", "--accumulate", "2",
                                   "--optimizer", "adam", "--lr", "0.001", "--time", "9"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, AllOf(ContainsRegex("\nhidden [^\n]* 0\\.2055 "),
                                   HasSubstr("\noptimizer "), Not(HasSubstr("epoch"))));
  ProgramResult half = train(0, {"--model", "mlp", "--precision", "bf16", "--time", "1"});
  EXPECT_EQ(half.exit_code, 0) << half.output;
  EXPECT_THAT(half.output, ContainsRegex("1 step, .*f32 [^\n]*, bf16 "));
  EXPECT_THAT(half.output,
              ContainsRegex("\nbf16 is (multiplied in|stored, but multiplied as) [^\n]+: "));
  EXPECT_THAT(result.output, Not(HasSubstr("bf16")));
}

// The last batch of an epoch, here the second measured step, would be smaller: 96 samples instead
// of 1000. A batch of the whole dataset is measured.
TEST(Time, StepsAreOfWholeBatches) {
  for (const auto& [batch, ranks, giga] :
       {std::tuple("1000", 0, "0\\.0864"), std::tuple("1000", 2, "0\\.0432"),
        std::tuple("5000", 0, "0\\.3539")}) {
    const ProgramResult result =
        train(ranks, {"--model", "bn-lenet", "--batch-size", batch, "--time", "4"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, ContainsRegex(std::string("\nconv1 [^\n]* ") + giga + " "));
  }
}

TEST(Time, SaysWhatIsWrong) {
  struct Case {
    Words options;
    const char* message;
  };
  for (const Case& bad : std::vector<Case>{
           {{"--time", "x"}, "--time expects a whole number"},
           {{"--time", "-1"}, "--time expects a number of at least 0"},
           {{"--time"}, "--time expects a value"},
           {{"--time", "3", "--out", "run"}, "--out has no effect with --time"},
           {{"--time", "3", "--max-steps", "5"}, "--max-steps has no effect with --time"},
           {{"--time", "3", "--keep", "7"}, "--keep has no effect with --time"}}) {
    Words words = {"--recipe", "lenet"};
    words.insert(words.end(), bad.options.begin(), bad.options.end());
    ProgramResult result = train(0, words);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr(bad.message));
  }
}

}  // namespace
}  // namespace d2l::test
