#include "launcher/pipelines.h"

#include <gmock/gmock.h>

#include "launcher/options/options.h"
#include "launcher/setup.h"
#include "launcher/stored_config.h"
#include "tests/launcher/command_lines.h"
#include "tests/support/support.h"

namespace d2l::launcher {
namespace {

using test::message_of;
using testing::HasSubstr;

// The steps of training and evaluation with these options.
std::pair<std::string, std::string> texts(std::vector<const char*> words) {
  words.insert(words.begin(), {"--model", "lenet"});
  const Pipelines found = pipelines_of(parse(words).config);
  return {found.train.text(), found.eval.text()};
}

using Texts = std::pair<std::string, std::string>;

TEST(Pipelines, ResizeStandsForAStepWhereNoneSetsTheSize) {
  const std::string to_96 = "resize 96x96 filter bilinear";
  EXPECT_EQ(texts({}), (Texts{"none", "none"}));
  EXPECT_EQ(texts({"--resize", "96"}), (Texts{to_96, to_96}));
  EXPECT_EQ(texts({"--resize", "96", "--augment", "flip 0.5"}),
            (Texts{to_96 + ", flip 0.5", to_96}));
  EXPECT_EQ(texts({"--resize", "96", "--eval-transform", "center-crop 24"}),
            (Texts{to_96, "center-crop 24"}));
  EXPECT_EQ(texts({"--recipe", "resnet18", "--augment", "random-crop 24"}),
            (Texts{"random-crop 24", "center-crop 24"}));
}

TEST(Pipelines, EvaluationFitsTheTraining) {
  const char* augment = "random-resized-crop 224, flip 0.5";
  const Config config = parse({"--model", "lenet", "--augment", augment}).config;
  const Pipelines found = pipelines_of(config);
  EXPECT_EQ(found.eval.text(), "resize 256 filter bilinear, center-crop 224");
  EXPECT_EQ(found.note,
            "test images: resize 256 filter bilinear, center-crop 224, to fit --augment; "
            "--eval-transform changes this");
  EXPECT_EQ(train_shape(found, {0, 0, 3}), (Shape{224, 224, 3}));
  EXPECT_EQ(eval_shape(found, {0, 0, 3}), (Shape{224, 224, 3}));
  EXPECT_EQ(texts({"--augment", augment, "--eval-transform", "resize 224x224"}).second,
            "resize 224x224 filter bilinear");
  EXPECT_EQ(pipelines_of(parse({"--model", "lenet"}).config).note, "");
}

TEST(Pipelines, ImagesOfDifferentSizesNeedAStep) {
  EXPECT_THAT(message_of([] {
                train_shape({}, {0, 0, 3});
              }),
              HasSubstr("--augment: the images differ in size: expected a step that gives them one "
                        "size, such as 'random-resized-crop 224' for training, or 'resize 256, "
                        "center-crop 224', found none"));
  EXPECT_THAT(message_of([] { eval_shape({}, {0, 0, 3}); }), HasSubstr("--eval-transform: the "));
}

TEST(Pipelines, OptionsAreChecked) {
  const auto refused = [](std::vector<const char*> words) {
    words.insert(words.begin(), {"--model", "lenet"});
    return complaint([&] {
      const CommandLine line = parse(words);
      validate(line.config, line.given);
    });
  };
  EXPECT_EQ(refused({"--augment", "flip 2"}),
            "--augment: step 'flip 2': expected a probability from 0 to 1, found '2'");
  EXPECT_EQ(refused({"--eval-transform", "center-crop 20, flip 0.5"}),
            "--eval-transform expects resize and center-crop only, found center-crop 20, flip 0.5");
  EXPECT_EQ(refused({"--augment", "random-crop 24", "--resize", "96"}),
            "--resize 96 has no effect: --augment sets the size, found random-crop 24");
  const CommandLine line = parse({"--recipe", "resnet18", "--augment", "random-crop 24"});
  EXPECT_EQ(line.config.data.resize, 96);
  EXPECT_EQ(checked_config(line, 1).data.resize, 0);
}

TEST(FormerOptions, OfTheCommandLineShowTheNewForm) {
  EXPECT_EQ(parse_complaint({"--model", "lenet", "--flip", "0.5"}),
            "--flip has become a step of --augment: --augment 'flip P'");
  EXPECT_EQ(parse_complaint({"--crop-padding=4"}),
            "--crop-padding has become a step of --augment: --augment 'pad-crop N'");
  EXPECT_EQ(parse_complaint({"--brightness", "0.4"}),
            "--brightness has become a step of --augment: --augment 'brightness B'");
}

TEST(FormerOptions, OfConfigFilesBecomeSteps) {
  const auto steps = [](const std::string& text) {
    return from_ini(text, "run.ini").augmentation.augment.text();
  };
  EXPECT_EQ(steps("flip = 0.5\ncrop-padding = 4\nbrightness = 0.1\n"),
            "pad-crop 4, flip 0.5, brightness 0.1");
  EXPECT_EQ(steps("flip = 0\ncrop-padding = 0\nbrightness = 0\n"), "none");
  EXPECT_EQ(steps("flip = 0.3\nlr = 1"), "flip 0.3");
  EXPECT_EQ(steps("flip = 0.30000000000000004"), "flip 0.30000000000000004");
  EXPECT_EQ(complaint([&] { steps("lr = 1\nflip = x"); }),
            "run.ini:2: flip: step 'flip x': expected a probability from 0 to 1, found 'x'");
  EXPECT_EQ(complaint([&] { steps("flip = 1\nflip = 1"); }),
            "run.ini:2: flip is already set on line 1");
  EXPECT_EQ(complaint([&] { steps("flip = 1\naugment = hue 0.1"); }),
            "run.ini:1: flip is a step of augment: expected it in run.ini:2: augment, found 'hue "
            "0.1' there");
}

}  // namespace
}  // namespace d2l::launcher
