// d2l-launch: starts the ranks of a program, watches them and starts them again.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/program.h"
#include "framework/base/text.h"
#include "framework/launch/environment.h"
#include "framework/launch/supervisor.h"
#include "launcher/launch_tool/continuation.h"
#include "launcher/launch_tool/launch_options.h"

extern "C" char** environ;

namespace d2l::launch_tool {
namespace {

namespace fs = std::filesystem;
using launch::Job;
using launch::Starter;

const char* variable(const char* name) { return std::getenv(name); }

fs::path own_folder() {
  std::error_code unknown;
  return fs::read_symlink("/proc/self/exe", unknown).parent_path();
}

// A program as a shell would find it, but first beside this one; "" if there is none.
std::string find_program(const std::string& name) {
  const auto runs = [](const fs::path& path) {
    std::error_code unknown;
    return fs::is_regular_file(path, unknown) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) return runs(name) ? fs::absolute(name).string() : "";
  const char* path = variable("PATH");
  std::stringstream folders(concat(own_folder().string(), ":", path != nullptr ? path : ""));
  for (std::string folder; std::getline(folders, folder, ':');)
    if (!folder.empty() && runs(fs::path(folder) / name)) return fs::path(folder) / name;
  return "";
}

std::string required_program(const std::string& name) {
  std::string path = find_program(name);
  if (path.empty())
    throw UsageError(concat(name,
                            ": expected a program, found none of this name beside d2l-launch "
                            "or in PATH"));
  return path;
}

void choose_hosts(Job& job, const LaunchOptions& options) {
  const auto slurm = launch::slurm_allocation(variable);
  std::optional<int> ranks = options.ranks;
  if (!options.hosts.empty() || !options.hostfile.empty()) {
    job.hosts = options.hosts.empty() ? launch::read_hostfile(options.hostfile)
                                      : launch::parse_hosts(options.hosts);
    if (!ranks) ranks = launch::total_slots(job.hosts);
    job.one_host = job.hosts.size() == 1 && launch::is_this_host(job.hosts[0].name);
  } else if (slurm) {
    job.hosts = slurm->nodes;
    job.starter = Starter::srun;
    job.slurm_job = slurm->job;
    job.one_host = false;
    if (!ranks && slurm->tasks > 0) ranks = slurm->tasks;
  } else {
    job.hosts = {{launch::this_host(), 0}};
  }
  if (!ranks) throw UsageError("--ranks is missing: expected the number of ranks");
  job.ranks = *ranks;
  const bool limited = !options.hosts.empty() || !options.hostfile.empty() || slurm;
  const int slots = launch::total_slots(job.hosts);
  if (limited && job.ranks > slots)
    throw UsageError(concat("--ranks: expected at most ", slots, ", the number of slots of ",
                            job.hosts.size(), job.hosts.size() == 1 ? " host" : " hosts",
                            ", found ", job.ranks));
}

void choose_restarts(Job& job, const LaunchOptions& options) {
  constexpr int kUsualRestarts = 3;
  const Continuation continuation = continuation_of(options.program);
  job.obstacle = continuation.obstacle;
  const bool continues = job.obstacle.empty();
  job.max_restarts = options.max_restarts.value_or(continues ? kUsualRestarts : 0);
  if (job.max_restarts > 0 && !continues)
    throw UsageError(concat("--max-restarts ", job.max_restarts,
                            ": the program would begin from nothing each time; ",
                            continuation.obstacle));
  if (continues)
    job.saved_steps = [folder = continuation.run_folder] { return saved_steps(folder); };
  job.min_ranks = options.min_ranks.value_or(job.ranks);
  if (job.min_ranks > job.ranks)
    throw UsageError(concat("--min-ranks: expected at most the number of ranks, ", job.ranks,
                            ", found ", job.min_ranks));
}

// Open MPI's own message is long, and does not say what to type.
void check_root() {
  if (::geteuid() != 0 || (variable("OMPI_ALLOW_RUN_AS_ROOT") != nullptr &&
                           variable("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") != nullptr))
    return;
  throw UsageError(
      "as root, Open MPI requires two environment variables: export OMPI_ALLOW_RUN_AS_ROOT=1 "
      "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
}

// mpirun passes only its own variables to other hosts.
Words variables_to_pass() {
  Words names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name = std::string(*entry).substr(0, std::string(*entry).find('='));
    if (name.starts_with("D2L_") || name.starts_with("OMP_")) names.push_back(name);
  }
  return names;
}

Job make_job(const LaunchOptions& options) {
  if (launch::is_a_rank(variable))
    throw UsageError(
        "d2l-launch starts the ranks itself: expected one d2l-launch, found several, "
        "started by mpirun or srun");
  Job job;
  choose_hosts(job, options);
  choose_restarts(job, options);
  job.starter_path = required_program(job.starter == Starter::srun ? "srun" : "mpirun");
  job.program = options.program;
  job.program[0] = required_program(job.program[0]);
  job.cores_per_rank = options.cores_per_rank;
  job.variables = variables_to_pass();
  job.prefix = options.prefix;
  job.logs = options.logs;
  return job;
}

int run(const LaunchOptions& options) {
  const Job job = make_job(options);
  if (job.starter == Starter::mpirun && !options.dry_run) check_root();
  if (options.dry_run) {
    const launch::Start start = make_start(job, job.hosts);
    std::cout << placement_table(start.placement, start.binding) << "\n"
              << launch::shell_line(launch::start_command(start)) << "\n";
    return 0;
  }
  if (!job.logs.empty()) make_writable_folder(job.logs);
  return launch::Supervisor(job).run();
}

int main_of(int argc, char** argv) {
  if (asks_for_version(argc, argv)) {
    std::cout << version_text();
    return 0;
  }
  try {
    const std::optional<LaunchOptions> options = parse_options({argv + 1, argv + argc});
    if (options) return run(*options);
    std::cout << launch_help();
    return 0;
  } catch (const UsageError& error) {
    std::cerr << "d2l-launch: error: " << error.what() << "\n";
    return launch::kWrongUsage;
  } catch (const std::exception& error) {
    std::cerr << "d2l-launch: error: " << error.what() << "\n";
    return launch::kFailed;
  }
}

}  // namespace
}  // namespace d2l::launch_tool

int main(int argc, char** argv) { return d2l::launch_tool::main_of(argc, argv); }
