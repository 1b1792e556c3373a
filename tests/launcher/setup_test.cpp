#include "launcher/setup.h"

#include <gmock/gmock.h>

#include "launcher/data_memory.h"
#include "launcher/report.h"
#include "tests/launcher/command_lines.h"
#include "tests/support/support.h"

namespace d2l::launcher {
namespace {

using testing::HasSubstr;
using testing::Not;

// A run on one rank, without a run folder.
class SetupTest : public testing::Test {
 protected:
  SetupTest() {
    machine_.backend = make_cpu_backend(1);
    machine_.comm = make_self_communicator();
  }
  Config config(std::vector<const char*> words) const {
    words.insert(words.begin(), {"--model", "mlp", "--data", "synthetic"});
    return checked_config(parse(words), 1);
  }
  std::string description_of(const Config& config, const launcher::Setup& setup) const {
    return description(config, setup, machine_, *machine_.backend);
  }

  Machine machine_;
  Log quiet_{true};
};

TEST_F(SetupTest, WithoutTestDataTrainsAndSaysSo) {
  const Config config = this->config({"--max-steps", "2"});
  launcher::Setup setup(config, machine_, *machine_.backend);
  EXPECT_THAT(description_of(config, setup), HasSubstr("; synthetic, 4,096 + 1,024 samples; "));
  const std::string with_tests = data_memory(*setup.train_data, setup.test_data.get(), 1);

  setup.test_data.reset();
  EXPECT_THAT(description_of(config, setup),
              HasSubstr("; synthetic, 4,096 samples, no test data; "));
  EXPECT_THAT(warnings(config, machine_, setup), Not(HasSubstr("test")));
  EXPECT_THAT(data_memory(*setup.train_data, setup.test_data.get(), 1),
              testing::AllOf(HasSubstr("data: at most "), Not(with_tests)));
  Trainer trainer(setup.parts(*machine_.comm, quiet_), setup.options);
  const TrainerReport report = trainer.run();
  EXPECT_THAT(result_text(report, setup.objective->metrics()),
              testing::ContainsRegex("^loss [0-9.]+, train acc 0[.][0-9]+, no test data$"));
}

}  // namespace
}  // namespace d2l::launcher
