#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <vector>

#include "framework/base/files.h"
#include "framework/base/text.h"
#include "launcher/command_line.h"
#include "launcher/options/options.h"
#include "launcher/stored_config.h"
#include "models/recipes.h"
#include "tests/launcher/command_lines.h"
#include "tests/support/support.h"

namespace d2l::launcher {
namespace {

using test::TemporaryFolder;

TEST(Config, DefaultsWithoutFlags) {
  CommandLine line = parse({});
  EXPECT_EQ(line.config, Config());
  EXPECT_TRUE(line.given.empty());
  EXPECT_FALSE(line.help);
}

TEST(Config, FlagsOfEveryType) {
  CommandLine line = parse({"--model", "lenet", "--batch-size=64", "--lr", "0.25", "--seed",
                            "18446744073709551615", "--threads", "2"});
  EXPECT_EQ(line.config.model.name, "lenet");
  EXPECT_EQ(line.config.training.batch_size, 64);
  EXPECT_EQ(line.config.optimizer.lr, 0.25);
  EXPECT_EQ(line.config.training.seed, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(line.config.machine.threads, 2);
  EXPECT_EQ(line.given, (std::set<std::string>{"model", "batch-size", "lr", "seed", "threads"}));
}

TEST(Config, MistakesAreOneClearLine) {
  EXPECT_EQ(parse_complaint({"--bach-size", "5"}),
            "unknown option '--bach-size', did you mean '--batch-size'?");
  EXPECT_EQ(parse_complaint({"--bach-size=5"}),
            "unknown option '--bach-size', did you mean '--batch-size'?");
  EXPECT_EQ(parse_complaint({"--batch", "5"}),
            "unknown option '--batch', did you mean '--batch-size'?");
  EXPECT_EQ(parse_complaint({"--epochs"}), "--epochs expects a value (N), found none");
  EXPECT_EQ(parse_complaint({"--out="}), "--out expects a value (DIR), found none");
  EXPECT_EQ(parse_complaint({"--out", "--lr"}), "--out expects a value, found the option '--lr'");
  EXPECT_EQ(parse_complaint({"lenet"}),
            "unexpected word 'lenet'; every value must follow its --option");
  EXPECT_EQ(parse_complaint({"--epochs", "ten"}), "--epochs expects a whole number, found 'ten'");
  EXPECT_EQ(parse_complaint({"--epochs", "1.5"}), "--epochs expects a whole number, found '1.5'");
  EXPECT_EQ(parse_complaint({"--lr", "0,1"}), "--lr expects a number, found '0,1'");
  for (const char* extreme : {"1e-400", "1e400"})
    EXPECT_EQ(parse_complaint({"--lr", extreme}),
              std::string("--lr expects 0 or a number from 1e-307 to 1e308, found ") + extreme);
  EXPECT_EQ(parse_complaint({"--seed", "-1"}),
            "--seed expects a whole number of at least 0, found '-1'");
  EXPECT_EQ(parse_complaint({"--threads", "4294967296"}),
            "--threads expects a whole number of at most 32 bits, found 4294967296");
  EXPECT_EQ(parse_complaint({"--config", "/nowhere/x.ini"}).substr(0, 30),
            "--config: cannot read /nowhere");
  EXPECT_NE(parse_complaint({"--recipe", "no-such"}).find("'no-such'"), std::string::npos);
}

TEST(Config, ValidateNamesTheOptionAndTheBound) {
  auto found = [](std::vector<const char*> words) {
    words.insert(words.begin(), {"--model", "lenet"});
    return complaint([&] { validate(parse(words).config); });
  };
  EXPECT_NO_THROW(validate(parse({"--model", "lenet"}).config));
  EXPECT_EQ(found({"--batch-size", "-5"}), "--batch-size expects a number of at least 1, found -5");
  EXPECT_EQ(found({"--epochs", "0"}), "--epochs expects a number of at least 1, found 0");
  EXPECT_EQ(found({"--keep", "0"}), "--keep expects a number of at least 1, found 0");
  EXPECT_EQ(found({"--threads", "-1"}), "--threads expects a number of at least 0, found -1");
  EXPECT_EQ(found({"--lr", "0"}), "--lr expects a finite number above 0, found 0");
  EXPECT_EQ(found({"--lr", "nan"}), "--lr expects a finite number above 0, found nan");
  EXPECT_EQ(found({"--init", "zero"}), "--init expects xavier or normal, found 'zero'");
  EXPECT_EQ(found({"--resize", "-1"}), "--resize expects a number of at least 0, found -1");
  EXPECT_EQ(found({"--width", "0"}), "--width expects a number of at least 1, found 0");
  EXPECT_EQ(found({"--momentum", "1"}), "--momentum expects a number from 0 to below 1, found 1");
  EXPECT_EQ(found({"--schedule", "step", "--step-every", "1", "--gamma", "2"}),
            "--gamma expects a number above 0 to 1, found 2");
  EXPECT_EQ(found({"--weight-decay", "inf"}),
            "--weight-decay expects a finite number of at least 0, found inf");
  EXPECT_EQ(found({"--loader-threads", "0"}),
            "--loader-threads expects auto or a number from 1 to 256, found '0'");
  EXPECT_EQ(found({"--loader-threads", "257"}),
            "--loader-threads expects auto or a number from 1 to 256, found '257'");
  EXPECT_EQ(found({"--shuffle-window", "3"}),
            "--shuffle-window expects a number of at least 4, found 3");
  for (const char* size : {"1", "MiB", "-1MiB", "1.5GiB", "1 GiB", "17000000TiB"})
    EXPECT_EQ(
        found({"--loader-queue", size}),
        concat("--loader-queue expects auto or a size such as 512MiB or 2GiB, found '", size, "'"));
  EXPECT_EQ(found({"--threads", "1025"}), "--threads expects a number of at most 1024, found 1025");
  EXPECT_EQ(found({"--optimizer", "adm"}),
            "--optimizer expects sgd, adam, adamw, lars or lamb, found 'adm'");
  EXPECT_EQ(found({"--ema", "1"}), "--ema expects a number from 0 to below 1, found 1");
  EXPECT_EQ(found({"--label-smoothing", "1.5"}),
            "--label-smoothing expects a number from 0 to below 1, found 1.5");
  EXPECT_EQ(found({"--clip-norm", "-1"}),
            "--clip-norm expects a finite number of at least 0, found -1");
  EXPECT_EQ(found({"--accumulate", "0"}), "--accumulate expects a number of at least 1, found 0");
  EXPECT_EQ(found({"--freeze", "a,,b"}), "--freeze expects values separated by ',', found 'a,,b'");
  EXPECT_EQ(found({"--decay", "none"}), "--decay expects all or weights, found 'none'");
  for (const char* flag : {"--max-steps", "--save-every", "--eval-every", "--log-every"})
    EXPECT_EQ(found({flag, "-1"}), std::string(flag) + " expects a number of at least 0, found -1");
  EXPECT_EQ(complaint([] { validate(Config()); }),
            "expected --model NAME or --recipe NAME, found neither");
}

TEST(Config, RefusesWhatWouldHaveNoEffect) {
  auto found = [](std::vector<const char*> words) {
    words.insert(words.begin(), {"--model", "lenet"});
    const CommandLine line = parse(words);
    return complaint([&] { validate(line.config, line.given); });
  };
  EXPECT_EQ(found({"--beta1", "0.8"}),
            "--beta1 has no effect with --optimizer sgd, only with adam, adamw or lamb");
  EXPECT_EQ(found({"--optimizer", "adamw", "--momentum", "0.9"}),
            "--momentum has no effect with --optimizer adamw, only with sgd or lars");
  EXPECT_EQ(found({"--lars-eta", "0.1"}),
            "--lars-eta has no effect with --optimizer sgd, only with lars");
  EXPECT_EQ(found({"--final-lr", "0.1"}),
            "--final-lr has no effect with --schedule constant, only with polynomial or cosine");
  EXPECT_EQ(found({"--schedule", "cosine", "--power", "3"}),
            "--power has no effect with --schedule cosine, only with polynomial");
  EXPECT_EQ(found({"--nesterov", "on"}), "--nesterov on expects a --momentum above 0, found 0");
  EXPECT_EQ(found({"--decay", "weights"}), "--decay weights has no effect without --weight-decay");
  EXPECT_EQ(found({"--warmup-start", "0.1"}), "--warmup-start has no effect without --warmup");
  EXPECT_EQ(found({"--schedule", "step"}), "--schedule step expects --step-every, found none");
  EXPECT_EQ(found({"--schedule", "multistep"}),
            "--schedule multistep expects --milestones, found none");

  // Values of a recipe or the defaults may have no effect, also if a file repeats them.
  TemporaryFolder folder;
  const std::string file = (folder.path() / "run.ini").string();
  write_text_file(file, to_ini(Config()));
  CommandLine line = parse({"--config", file.c_str(), "--model", "lenet", "--optimizer", "adam"});
  EXPECT_NO_THROW(validate(line.config, line.given));
}

TEST(Config, Switches) {
  EXPECT_TRUE(parse({"--nesterov", "on"}).config.optimizer.nesterov);
  EXPECT_FALSE(parse({"--nesterov", "off"}).config.optimizer.nesterov);
  EXPECT_EQ(parse_complaint({"--nesterov", "yes"}), "--nesterov expects on or off, found 'yes'");
}

TEST(Config, CommandLineOverFileOverRecipe) {
  ASSERT_FALSE(models::recipes().empty());
  const models::Recipe& recipe = models::recipes().front();
  TemporaryFolder folder;
  std::string file = (folder.path() / "run.ini").string();
  write_text_file(file, "# a run\nrecipe = " + recipe.name +
                            "\nlr = 0.125  # not the recipe's\nbatch-size = 48\n");
  CommandLine line = parse({"--config", file.c_str(), "--batch-size", "24"});
  EXPECT_EQ(line.config.model.name, recipe.name);
  EXPECT_EQ(line.config.training.epochs, recipe.epochs);
  EXPECT_EQ(word_of(line.config.model.init), recipe.init);
  const models::Recipe& large = models::find_recipe("vgg11");
  CommandLine vgg = parse({"--recipe", "vgg11"});
  EXPECT_EQ(vgg.config.data.resize, large.resize);
  EXPECT_EQ(vgg.config.model.width, large.width);
  EXPECT_EQ(vgg.config.data.resize, 224);
  EXPECT_EQ(parse({"--recipe", "vgg11", "--resize", "64", "--width", "8"}).config.data.resize, 64);
  EXPECT_EQ(line.config.optimizer.lr, 0.125);
  EXPECT_EQ(line.config.training.batch_size, 24);
  EXPECT_EQ(line.given, (std::set<std::string>{"config", "recipe", "lr", "batch-size"}));
}

TEST(Config, EveryRecipeIsValid) {
  for (const models::Recipe& recipe : models::recipes()) {
    const CommandLine line = parse({"--recipe", recipe.name.c_str()});
    EXPECT_NO_THROW(validate(line.config, line.given)) << recipe.name;
  }
}

TEST(Config, RecipesMayCarryAnyOption) {
  models::Recipe recipe = models::find_recipe("lenet");
  recipe.options = {{"optimizer", "lamb"}, {"nesterov", "on"}, {"ema", "0.5"}};
  Config config;
  config.regularisation.ema = 0.25;
  config.optimizer.beta1 = 0.5;
  apply_recipe(config, recipe);
  EXPECT_EQ(config.model.name, "lenet");
  EXPECT_EQ(config.optimizer.lr, 0.9);
  EXPECT_EQ(config.optimizer.kind, OptimizerChoice::lamb);
  EXPECT_TRUE(config.optimizer.nesterov);
  EXPECT_EQ(config.regularisation.ema, 0.5);
  EXPECT_EQ(config.optimizer.beta1, 0.5);
  auto found = [&](const char* name, const char* value) {
    recipe.options = {{name, value}};
    return complaint([&] { apply_recipe(config, recipe); });
  };
  EXPECT_EQ(found("optimiser", "sgd"), "recipe lenet: no option 'optimiser'");
  EXPECT_EQ(found("out", "x"), "recipe lenet: no option 'out'");
  EXPECT_EQ(found("ema", "x"), "recipe lenet: ema expects a number, found 'x'");
}

TEST(Config, ResumeKeepsWhatIsNotGiven) {
  Config stored;
  stored.model.name = "lenet";
  stored.optimizer.lr = 0.5;
  stored.training.epochs = 20;
  Config config =
      config_for_resume(parse({"--resume", "runs/a", "--epochs", "30"}), to_ini(stored));
  EXPECT_EQ(config.model.name, "lenet");
  EXPECT_EQ(config.optimizer.lr, 0.5);
  EXPECT_EQ(config.training.epochs, 30);
  EXPECT_EQ(config.run.resume, "runs/a");
}

TEST(Config, ResumeOnACpuForgetsHowGpusReachedEachOther) {
  Config stored = parse({"--recipe", "lenet", "--comm", "nccl"}).config;
  EXPECT_EQ(config_for_resume(parse({}), to_ini(stored)).machine.comm, CommChoice::nccl);
  EXPECT_EQ(config_for_resume(parse({"--device", "cpu"}), to_ini(stored)).machine.comm,
            CommChoice::automatic);
}

TEST(Config, ResumeWithTheSameRecipeKeepsItsOverrides) {
  ASSERT_FALSE(models::recipes().empty());
  const std::string name = models::recipes().front().name;
  Config stored = parse({"--recipe", name.c_str(), "--lr", "0.0625"}).config;
  Config config = config_for_resume(parse({"--recipe", name.c_str()}), to_ini(stored));
  EXPECT_EQ(config, stored);
}

TEST(Config, ARunsIdentifierIsTakenFromItsOwnFileOnly) {
  Config stored;
  stored.model.name = "lenet";
  stored.run.id = "c0ffee";
  EXPECT_EQ(from_ini(to_ini(stored)).run.id, "c0ffee");
  TemporaryFolder folder;
  const std::string file = (folder.path() / "config.ini").string();
  write_text_file(file, to_ini(stored));
  const CommandLine line = parse({"--config", file.c_str()});
  EXPECT_EQ(line.config.model.name, "lenet");
  EXPECT_EQ(line.config.run.id, "");
  Config other = stored;
  other.run.id = "decaf";
  EXPECT_EQ(config_for_resume(line, to_ini(other)).run.id, "decaf");
}

TEST(Config, HelpWinsAndNamesEveryStoredOption) {
  EXPECT_TRUE(parse({"--epochs", "ten", "--help"}).help);
  EXPECT_TRUE(parse({"-h"}).help);
  const std::string help = help_text(), ini = to_ini(Config());
  for (size_t begin = 0; begin < ini.size(); begin = ini.find('\n', begin) + 1) {
    std::string name = ini.substr(begin, ini.find(' ', begin) - begin);
    if (name == "run-id" || name == "kfold-seed") continue;  // not given by users
    EXPECT_NE(help.find("--" + name + " "), std::string::npos) << name;
  }
  EXPECT_NE(help.find("(default 256)"), std::string::npos);
}

// Durations mean the same as in schedule.h: steps count from the beginning of the run, only p from
// the end of the warm-up.
TEST(Config, HelpSaysWhereSchedulesBegin) {
  std::istringstream stream(help_text());
  const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
  const std::string flat = join(words, " ");
  for (const char* sentence :
       {"polynomial and cosine start after the warm-up; step and multistep count from the first "
        "step of the run",
        "with --schedule step: multiply the learning rate by --gamma after every LENGTH, counted "
        "from the first step of the run, warm-up included",
        "with --schedule multistep: multiply the learning rate by --gamma at each of these times, "
        "counted from the first step of the run, warm-up included"})
    EXPECT_NE(flat.find(sentence), std::string::npos) << sentence;
}

}  // namespace
}  // namespace d2l::launcher
