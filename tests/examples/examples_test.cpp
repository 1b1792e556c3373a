#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "framework/base/files.h"
#include "tests/support/program.h"
#include "tests/support/support.h"

// The programs of examples/ print what the book prints.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class Examples : public testing::Test {
 protected:
  // Runs examples/NAME, for example "ch02/calculus", which must succeed. Returns what it prints.
  std::string output_of(const std::string& name, int seed = 0) {
    const fs::path program = bin_dir().parent_path() / "examples" / name;
    const ProgramResult result =
        run_program({program.string(), folder_.path().string(), std::to_string(seed)}, 300);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.output;
  }
  // The last number that follows these words in the text.
  static double number(const std::string& words, const std::string& text) {
    const size_t at = text.rfind(words);
    if (at == std::string::npos) {
      ADD_FAILURE() << "'" << words << "' is missing in:\n" << text;
      return 0;
    }
    const std::regex pattern("-?[0-9][0-9.]*(e[-+]?[0-9]+)?");
    std::smatch found;
    const std::string rest = text.substr(at + words.size());
    if (!std::regex_search(rest, found, pattern)) ADD_FAILURE() << "no number after " << words;
    return std::stod(found.str());
  }
  // What `number` finds with five seeds, in ascending order.
  std::vector<double> of_five_seeds(const std::string& name, const std::string& words) {
    std::vector<double> found;
    for (int seed = 0; seed < 5; ++seed) found.push_back(number(words, output_of(name, seed)));
    std::ranges::sort(found);
    return found;
  }
  void expect_picture(const std::string& name) const {
    EXPECT_THAT(read_text_file(folder_.path() / name),
                AllOf(testing::StartsWith("<svg"), testing::EndsWith("</svg>\n")));
  }

  const TemporaryFolder folder_;
};

// The examples that read Fashion-MNIST and other real data.
class ExamplesWithData : public Examples {
 protected:
  void SetUp() override {
    if (data_dir().empty()) GTEST_SKIP() << kNoData;
    setenv("D2L_DATA_DIR", data_dir().c_str(), 1);
  }
};

TEST_F(Examples, DataManipulation) {
  EXPECT_THAT(
      output_of("ch02/data_manipulation"),
      AllOf(HasSubstr("has shape [12] and 12 elements"), HasSubstr("sum of all elements: 66."),
            HasSubstr("broadcast: [[0., 1.],\n [1., 2.],\n [2., 3.]]"),
            HasSubstr("last row: [ 8.,  9., 10., 11.]"),
            HasSubstr("column 1: [1., 5., 9.] a block: [[ 5.,  6.,  7.],\n [ 9., 10., 11.]]"),
            HasSubstr("every second column: [[0., 2.]]"),
            HasSubstr("two rows written: [[12., 12., 12., 12.],\n [12., 12., 12., 12.],\n "
                      "[ 8.,  9., 10., 11.]]"),
            HasSubstr("at the same address: yes"), HasSubstr("[3.5000] 3.5 3.5 3")));
}

TEST_F(Examples, Preprocessing) {
  EXPECT_THAT(output_of("ch02/preprocessing"),
              AllOf(HasSubstr("[[3., 1., 0.],\n [2., 0., 1.],\n [4., 0., 1.],\n [3., 0., 1.]]"),
                    HasSubstr("[127500., 106000., 178100., 140000.]")));
}

TEST_F(Examples, SayWhatIsMissingInOneLine) {
  const fs::path program = bin_dir().parent_path() / "examples/ch06/lenet";
  const ProgramResult result =
      run_program({"/usr/bin/env", "D2L_DATA_DIR=" + folder_.path().string(), program.string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("\nerror: fashion-mnist"));
  EXPECT_THAT(result.output, testing::Not(HasSubstr("terminate")));
}

TEST_F(Examples, LinearAlgebra) {
  EXPECT_THAT(output_of("ch02/linear_algebra"),
              AllOf(HasSubstr("over the rows: [40., 45., 50., 55.] over the columns: [ 6., 22., "
                              "38., 54., 70.]"),
                    HasSubstr("mean: 9.5000 9.5000"), HasSubstr("dot product: 6. 6."),
                    HasSubstr("times vector: [ 14.,  38.,  62.,  86., 110.]"),
                    HasSubstr("L2: 5. L1: 7."), HasSubstr("Frobenius norm: 6.")));
}

TEST_F(Examples, Calculus) {
  EXPECT_THAT(output_of("ch02/calculus"), HasSubstr("h = 0.0001 slope at 1: 2.0003"));
  expect_picture("tangent.svg");
}

TEST_F(Examples, AutomaticDifferentiation) {
  EXPECT_THAT(output_of("ch02/automatic_differentiation"),
              AllOf(HasSubstr("28. - gradient: [ 0.,  4.,  8., 12.] - is it 4 x? [1, 1, 1, 1]"),
                    HasSubstr("gradient of the sum: [1., 1., 1., 1.]"),
                    HasSubstr("sum of squares: [0., 2., 4., 6.]"), HasSubstr("is u: [1, 1, 1, 1]"),
                    HasSubstr("is d / a: 1")));
}

TEST_F(Examples, LinearRegression) {
  const std::vector<double> by_hand = of_five_seeds("ch03/linear_regression_scratch", "3 loss");
  EXPECT_GT(by_hand.front(), 4.2e-5);
  EXPECT_LT(by_hand.back(), 6e-5);
  const std::vector<double> concise = of_five_seeds("ch03/linear_regression_concise", "3 loss");
  EXPECT_GT(concise.front(), 8.5e-5);
  EXPECT_LT(concise.back(), 1.25e-4);
  const std::string text = output_of("ch03/linear_regression_concise");
  EXPECT_NEAR(number("solution: [", text), 2, 0.005);
}

TEST_F(ExamplesWithData, SoftmaxRegression) {
  for (const char* name : {"softmax_regression_scratch", "softmax_regression_concise"}) {
    const std::string text = output_of(concat("ch03/", name));
    EXPECT_LT(number("loss", text), 0.5) << name;
    EXPECT_GT(number("train acc", text), 0.7) << name;
    EXPECT_GT(number("test acc", text), 0.7) << name;
  }
  expect_picture("predictions.svg");
  expect_picture("softmax_regression.svg");
}

TEST_F(ExamplesWithData, MultilayerPerceptrons) {
  for (const char* name : {"mlp_scratch", "mlp_concise", "dropout"}) {
    const std::string text = output_of(concat("ch04/", name));
    EXPECT_LT(number("loss", text), 0.5) << name;
    EXPECT_GT(number("train acc", text), 0.84) << name;
    EXPECT_GT(number("test acc", text), 0.79) << name;
  }
  EXPECT_THAT(output_of("ch04/dropout"), HasSubstr("p = 1 [[0., 0., 0., 0., 0., 0., 0., 0.]"));
  expect_picture("mlp.svg");
  expect_picture("dropout.svg");
}

TEST_F(Examples, Activations) {
  const std::string text = output_of("ch04/activations");
  EXPECT_NEAR(number("sigmoid is at most 0.9996 and its gradient at most", text), 0.25, 1e-4);
  EXPECT_THAT(text, HasSubstr("ReLU is at most 7.9000 and its gradient at most 1."));
  expect_picture("activations.svg");
  expect_picture("activation_gradients.svg");
}

TEST_F(Examples, PolynomialFit) {
  const std::string text = output_of("ch04/polynomial_fit");
  const double right = number("4 terms, as the data - train loss", text);
  EXPECT_LT(right, 0.1);
  EXPECT_NEAR(number("weight [[", text.substr(0, text.find("2 terms"))), 5, 0.3);
  EXPECT_GT(number("underfitting - train loss", text), 10 * right);
  EXPECT_GT(number("test loss", text), 2 * number("overfitting - train loss", text));
  EXPECT_GT(number("test loss", text),
            1.2 * number("test loss", text.substr(0, text.find("2 terms"))));
  for (const char* name : {"polynomial_4.svg", "polynomial_2.svg", "polynomial_20.svg"})
    expect_picture(name);
}

// The book's figures for 20 samples: 11.7 to 15.0 without decay, .32 to .42 with it.
TEST_F(Examples, WeightDecay) {
  const std::vector<double> without = of_five_seeds("ch04/weight_decay", "decay 0 - L2 norm of w:"),
                            with = of_five_seeds("ch04/weight_decay", "decay 3 - L2 norm of w:");
  EXPECT_GT(without[2], 11.7);
  EXPECT_LT(without[2], 15);
  EXPECT_GT(with[2], 0.32);
  EXPECT_LT(with[2], 0.42);
}

TEST_F(Examples, NumericalStability) {
  const std::string text = output_of("ch04/numerical_stability");
  EXPECT_LT(number("N(0, 0.01) - deviation after 50 layers:", text), 1e-20);
  EXPECT_GT(number("N(0, 0.1) - deviation after 50 layers:", text), 1e8);
  EXPECT_NEAR(number("Xavier - deviation after 50 layers:", text), 1, 0.9);
  expect_picture("xavier.svg");
  expect_picture("vanishing_gradient.svg");
}

TEST_F(ExamplesWithData, HousePrices) {
  const std::string text = output_of("ch04/house_prices");
  EXPECT_THAT(text, HasSubstr("1460 houses with 331 values"));
  EXPECT_NEAR(number("average train log RMSE", text), 0.1656, 0.002);
  EXPECT_NEAR(number("validation log RMSE", text), 0.1706, 0.002);
  const std::string submission = read_text_file(folder_.path() / "submission.csv");
  EXPECT_THAT(submission, testing::StartsWith("Id,SalePrice\n1461,"));
  EXPECT_EQ(std::ranges::count(submission, '\n'), 1460);
  expect_picture("house_prices.svg");
}

TEST_F(Examples, Blocks) {
  EXPECT_THAT(
      output_of("ch05/blocks"),
      AllOf(HasSubstr("Sequential: [2, 10] from 7946 parameters"),
            HasSubstr("2.linear.weight [20, 20]"), HasSubstr("all ones: [[1., 1., 1., 1.]] [0.]"),
            HasSubstr("one of them written: [[42.,  1.,  1.,  1.]]"),
            HasSubstr("counts once: 121 parameters")));
}

TEST_F(Examples, Saving) {
  EXPECT_THAT(output_of("ch05/saving"),
              AllOf(HasSubstr("a tensor: [0., 1., 2., 3.]\nx [0., 1., 2., 3.]\ny [0., 0., 0., 0.]"),
                    HasSubstr("agree: [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1],\n [1, 1")));
}

TEST_F(Examples, Convolutions) {
  const std::string text = output_of("ch06/convolutions");
  EXPECT_THAT(text, AllOf(HasSubstr("cross-correlation: [[19., 25.],\n [37., 43.]]"),
                          HasSubstr("edges: [[ 0.,  1.,  0.,  0.,  0., -1.,  0.]"),
                          HasSubstr("padding 1: [1, 8, 8, 1]\nstride 2: [1, 4, 4, 1]"),
                          HasSubstr("[[ 56.,  72.],\n [104., 120.]]"),
                          HasSubstr("[[ 76., 100.],\n  [148., 172.]]"),
                          HasSubstr("[[ 96., 128.],\n  [192., 224.]]")));
  EXPECT_LT(number("step 10 loss", text), number("step 2 loss", text) / 20);
  EXPECT_NEAR(number("product differ by", text), 0, 1e-5);
}

TEST_F(Examples, Pooling) {
  EXPECT_THAT(
      output_of("ch06/pooling"),
      AllOf(HasSubstr("maximum: [[4., 5.],\n [7., 8.]]"),
            HasSubstr("average: [[2., 3.],\n [5., 6.]]"), HasSubstr("3 x 3: [[10.]]"),
            HasSubstr("padding 1, stride 2: [[ 5.,  7.],\n [13., 15.]]"),
            HasSubstr("two channels: [[ 5.,  7.],\n [13., 15.]] [[ 6.,  8.],\n [14., 16.]]")));
}

// The book's band: .781 to .822 on the test data.
TEST_F(ExamplesWithData, LeNet) {
  const std::string text = output_of("ch06/lenet");
  EXPECT_THAT(text, HasSubstr("after layer 3 [1, 5, 5, 16]"));
  EXPECT_NEAR(number("train loss", text), 0.47, 0.05);
  EXPECT_GT(number("test acc", text), 0.76);
  expect_picture("lenet.svg");
}

TEST_F(Examples, ModernNetworks) {
  EXPECT_THAT(output_of("ch07/networks"),
              AllOf(HasSubstr("alexnet on [224, 224, 1] has 46764746 parameters"),
                    HasSubstr("vgg11 on [224, 224, 1] has 128806154 parameters"),
                    HasSubstr("nin on [224, 224, 1] has 1992166 parameters"),
                    HasSubstr("googlenet on [96, 96, 1] has 5977530 parameters"),
                    HasSubstr("resnet18 on [96, 96, 1] has 11178378 parameters")));
  EXPECT_THAT(output_of("ch07/residual"),
              AllOf(HasSubstr("same size: [4, 6, 6, 3]"), HasSubstr("channels: [4, 3, 3, 6]"),
                    HasSubstr("ResNet-18: 11178378 parameters, result [2, 10]")));
}

TEST_F(Examples, BatchNorm) {
  const std::string text = output_of("ch07/batch_norm");
  EXPECT_LT(number("values differ by at most", text), 1e-5);
  EXPECT_LT(number("gradients by", text), 1e-4);
}

// The book's figures, for single draws: .89, .42 and .12. They vary much with the draw.
TEST_F(Examples, AttentionPooling) {
  const std::vector<double> average = of_five_seeds("ch10/attention_pooling", "of the average:"),
                            fixed = of_five_seeds("ch10/attention_pooling", "of attention:"),
                            learned = of_five_seeds("ch10/attention_pooling", "learned width:");
  EXPECT_NEAR(average[2], 0.89, 0.1);
  EXPECT_NEAR(fixed[2], 0.42, 0.1);
  EXPECT_NEAR(learned[2], 0.12, 0.06);
  for (const char* name :
       {"attention_pooling.svg", "attention_weights.svg", "attention_weights_learned.svg"})
    expect_picture(name);
}

TEST_F(Examples, AttentionScoring) {
  const std::string text = output_of("ch10/attention_scoring");
  for (const char* kind : {"additive", "dot-product"})
    EXPECT_THAT(text, HasSubstr(concat(kind,
                                       " attention: [[[ 2.0000,  3.0000,  4.0000,  5.0000]],\n\n "
                                       "[[10.0000, 11.0000, 12.0000, 13.0000]]]")));
  expect_picture("masked_attention.svg");
}

TEST_F(ExamplesWithData, Augmentation) {
  EXPECT_THAT(output_of("ch13/augmentation"), HasSubstr("-> [8, 120, 120, 3]"));
  for (const char* name :
       {"flip.svg", "crop.svg", "brightness.svg", "hue.svg", "colours.svg", "all_together.svg"})
    expect_picture(name);
}

// The same losses on one rank and on two.
TEST_F(ExamplesWithData, SeveralDevices) {
  const std::string program = (bin_dir().parent_path() / "examples/ch12/several_devices").string();
  double losses[2] = {};
  for (const int ranks : {1, 2}) {
    const ProgramResult result = run_program(on_ranks(ranks, {program}), 300);
    ASSERT_EQ(result.exit_code, 0) << result.output;
    losses[ranks - 1] = number(concat("epoch 2 on ", ranks, " ranks: loss"), result.output);
  }
  EXPECT_LT(losses[0], 2.2);
  EXPECT_NEAR(losses[0], losses[1], 1e-3);
}

TEST_F(ExamplesWithData, Boxes) {
  EXPECT_THAT(output_of("ch13/boxes"),
              AllOf(HasSubstr("and back: [[1, 1, 1, 1],\n [1, 1, 1, 1]]"),
                    HasSubstr("[[219.0000, 280.5000, 318.0000, 471.0000]")));
  expect_picture("boxes.svg");
}

TEST_F(ExamplesWithData, Anchors) {
  EXPECT_THAT(
      output_of("ch13/anchor_boxes"),
      AllOf(HasSubstr("561 x 728 has 2042040 anchors"),
            HasSubstr("(250, 250): [0.0551, 0.0715, 0.6331, 0.8215]"), HasSubstr("keeps: [0, 3]")));
  expect_picture("anchors.svg");
  expect_picture("detections.svg");
}

}  // namespace
}  // namespace d2l::test
