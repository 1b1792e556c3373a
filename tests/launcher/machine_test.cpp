#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "framework/base/files.h"
#include "tests/launcher/runs.h"
#include "tests/support/control_group.h"
#include "tests/support/support.h"

// The effects of the machine and the environment on d2l-train.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const std::string kProgram = bin_dir() / "d2l-train";

Words lenet(const fs::path& run) {
  return {kProgram,
          "--recipe",
          "lenet",
          "--data",
          source_dir() / "data/samples/fashion-mnist",
          "--max-steps",
          "20",
          "--log-every",
          "1",
          "--out",
          run};
}

// The line about network, data, ranks, threads and device.
std::string first_line(const std::string& output) {
  const size_t begin = output.find("61,706 parameters");
  return begin == std::string::npos ? "" : output.substr(begin, output.find('\n', begin) - begin);
}

class Environment : public testing::Test {
 protected:
  // Waiting threads do not spin: other tests may need the core.
  Environment() { setenv("OMP_WAIT_POLICY", "passive", 1); }

  // The losses of two threads without any variable set.
  static const std::vector<double>& reference() {
    static const std::vector<double> kLosses = [] {
      const TemporaryFolder folder;
      const fs::path run = folder.path() / "run";
      const ProgramResult result = run_program(lenet(run) + Words{"--threads", "2"});
      EXPECT_EQ(result.exit_code, 0) << result.output;
      return losses(run);
    }();
    return kLosses;
  }

  ProgramResult run(const Words& variables) const {
    fs::remove_all(run_);
    return run_program(Words{"env"} + variables + lenet(run_) + Words{"--threads", "2"});
  }

  const TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run";
};

TEST_F(Environment, ChangesNoNumber) {
  ASSERT_EQ(reference().size(), 20u);
  for (const Words& variables :
       std::vector<Words>{{"OMP_DYNAMIC=true"},
                          {"OMP_MAX_ACTIVE_LEVELS=0"},
                          {"OMP_MAX_ACTIVE_LEVELS=4", "OMP_NESTED=true"},
                          {"OMP_NUM_THREADS=1"},
                          {"OMP_NUM_THREADS=7", "OMP_DYNAMIC=true"},
                          {"OMP_SCHEDULE=dynamic,1"},
                          {"OMP_PROC_BIND=true"},
                          {"OMP_PROC_BIND=close", "OMP_PLACES={0}"},
                          {"GOMP_CPU_AFFINITY=0"},
                          {"OMP_CANCELLATION=true", "OMP_WAIT_POLICY=active", "GOMP_SPINCOUNT=100"},
                          {"OMP_THREAD_LIMIT=2"},
                          {"KMP_DYNAMIC_MODE=thread_limit", "KMP_BLOCKTIME=0"},
                          {"DNNL_DEFAULT_FPMATH_MODE=ANY"},
                          {"ONEDNN_DEFAULT_FPMATH_MODE=BF16"},
                          {"DNNL_PRIMITIVE_CACHE_CAPACITY=0"},
                          {"MKL_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"}}) {
    const ProgramResult result = run(variables);
    EXPECT_EQ(result.exit_code, 0) << variables[0] << "\n" << result.output;
    EXPECT_EQ(losses(run_), reference()) << variables[0];
  }
}

TEST_F(Environment, ThatLeavesTooFewThreadsIsRefused) {
  const ProgramResult result = run({"OMP_THREAD_LIMIT=1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.output,
            "d2l-train: error: expected OpenMP teams of 2 threads, found teams of 1 "
            "(OMP_THREAD_LIMIT allows 1)\n");
  EXPECT_FALSE(fs::exists(run_));
}

// Users may want the arithmetic of an older processor; the log says so.
TEST_F(Environment, ThatChoosesOtherKernelsIsInTheLog) {
  for (const char* variable : {"DNNL_MAX_CPU_ISA=AVX2", "ONEDNN_MAX_CPU_ISA=SSE41"}) {
    const ProgramResult result = run({variable});
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_THAT(first_line(result.output), HasSubstr(std::string(" with ") + variable));
    EXPECT_THAT(read_text_file(run_ / "log.txt"), HasSubstr(variable));
  }
  EXPECT_THAT(run({}).output, Not(HasSubstr("CPU_ISA")));
}

TEST_F(Environment, ThatKeepsOneDnnFromBf16HasItMultipliedAsF32) {
  const ProgramResult result = run_program(
      {"env", "ONEDNN_MAX_CPU_ISA=AVX2", kProgram, "--recipe", "resnet20", "--data", "synthetic",
       "--precision", "bf16", "--threads", "2", "--max-steps", "1", "--out", run_});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("\nbf16 is stored, but multiplied as f32: "));
}

class Threads : public Environment {
 protected:
  // A run of one step that chooses its threads.
  Words one_step() const {
    return {kProgram,      "--recipe", "lenet", "--data", "synthetic",
            "--max-steps", "1",        "--out", run_};
  }
  std::string line(const Words& variables) const {
    fs::remove_all(run_);
    return first_line(run_program(Words{"env"} + variables + one_step()).output);
  }
};

TEST_F(Threads, AreThoseOfTheEnvironment) {
  EXPECT_THAT(line({"OMP_NUM_THREADS=1"}), HasSubstr("; 1 thread (OMP_NUM_THREADS); CPU, "));
  EXPECT_THAT(line({"OMP_NUM_THREADS=3,2"}), HasSubstr("; 3 threads (OMP_NUM_THREADS); "));
  EXPECT_THAT(line({"OMP_NUM_THREADS=3", "OMP_THREAD_LIMIT=2"}),
              HasSubstr("; 2 threads (OMP_THREAD_LIMIT); "));
  // OpenMP binds the first thread to one core; the number of threads is the same.
  const std::string unbound = line({"--unset=OMP_NUM_THREADS"});
  EXPECT_THAT(unbound, HasSubstr("core"));
  EXPECT_EQ(line({"--unset=OMP_NUM_THREADS", "OMP_PROC_BIND=true"}), unbound);
}

TEST_F(Threads, KeepToTheQuotaOfARealControlGroup) {
  const ControlGroup version1("cpu.cfs_quota_us", "90000"), version2("cpu.max", "90000 100000");
  const ControlGroup& group = version1.made() ? version1 : version2;
  if (!group.made()) GTEST_SKIP() << "control groups cannot be made here";
  const Words chooses = Words{"env", "--unset=OMP_NUM_THREADS"} + one_step();
  const ProgramResult chosen = run_program(group.inside(chooses));
  EXPECT_EQ(chosen.exit_code, 0) << chosen.output;
  EXPECT_THAT(first_line(chosen.output), HasSubstr("; 1 thread (cgroup quota); "));
  fs::remove_all(run_);
  const ProgramResult asked = run_program(group.inside(one_step() + Words{"--threads", "2"}));
  EXPECT_EQ(asked.exit_code, 0) << asked.output;
  EXPECT_THAT(first_line(asked.output), HasSubstr("; 2 threads (--threads); "));
  EXPECT_THAT(asked.output, HasSubstr("which is slow"));
}

TEST_F(Threads, ThatTheSystemDoesNotLetStartAreRefused) {
  const ControlGroup group("pids.max", "20");
  if (!group.made()) GTEST_SKIP() << "control groups cannot be made here";
  const ProgramResult result = run_program(group.inside(one_step() + Words{"--threads", "64"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      result.output,
      testing::StartsWith("d2l-train: error: expected to start 64 threads, the system allows"));
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
}

}  // namespace
}  // namespace d2l::test
