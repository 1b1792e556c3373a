#include "framework/comm/launch_environment.h"

#include <cstdlib>

#include "framework/base/error.h"

namespace d2l {

LaunchEnvironment LaunchEnvironment::read(const Lookup& lookup) {
  auto has = [&](const char* name) { return lookup(name) != nullptr; };
  auto number = [&](const char* name) {
    const char* text = lookup(name);
    return text ? std::atoi(text) : 0;
  };

  LaunchEnvironment launch;
  const int world = number("OMPI_COMM_WORLD_SIZE");
  launch.under_mpi = world > 0 || has("PMIX_RANK");
  if (world > 0)
    launch.one_host = number("OMPI_COMM_WORLD_LOCAL_SIZE") == world;
  else if (launch.under_mpi)
    launch.one_host = number("SLURM_STEP_NUM_NODES") == 1;
  else if (has("SLURM_PROCID") && number("SLURM_STEP_NUM_TASKS") > 1)
    launch.unconnected_tasks = number("SLURM_STEP_NUM_TASKS");
  else if (has("PMI_RANK") && number("PMI_SIZE") > 1)
    launch.unconnected_tasks = number("PMI_SIZE");
  for (const char* rank : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID", "PMI_RANK"}) {
    if (!has(rank)) continue;
    launch.is_reporting_rank = number(rank) == 0;
    break;
  }
  return launch;
}

std::vector<std::pair<std::string, std::string>> LaunchEnvironment::settings() const {
  // Wherever MPI itself waits (start, end), let others have the core: ranks may share it.
  std::vector<std::pair<std::string, std::string>> settings = {
      {"OMPI_MCA_mpi_yield_when_idle", "1"}};
  // Ranks of one host talk through its memory. Looking for fabrics first takes 0.2 s.
  if (one_host || !under_mpi) settings.push_back({"OMPI_MCA_pml", "ob1"});
  if (!under_mpi) {
    // One rank spawns nobody: without Open MPI's daemon it starts 0.05 s earlier. Its session
    // folder would then be the same for all such processes, which delete it for each other.
    settings.push_back({"OMPI_MCA_ess_singleton_isolated", "1"});
    settings.push_back({"OMPI_MCA_orte_create_session_dirs", "0"});
  }
  return settings;
}

std::string LaunchEnvironment::unconnected_message() const {
  return concat("MPI: ", unconnected_tasks,
                " tasks were started, but each of them sees only itself; ",
                "start them with 'srun --mpi=pmix ...' or with Open MPI's mpirun");
}

std::vector<std::pair<std::string, std::string>> package_settings(
    const std::filesystem::path& root) {
  std::error_code ignored;
  if (!std::filesystem::exists(root / "libexec/orted", ignored)) return {};
  // the same as in launcher/mpirun.sh
  return {{"OPAL_PREFIX", root},
          {"OPAL_PKGLIBDIR", root / "lib/openmpi"},
          {"OPAL_SYSCONFDIR", root / "etc"},
          {"PMIX_PREFIX", root},
          {"PMIX_PKGLIBDIR", root / "lib/pmix"},
          {"PMIX_SYSCONFDIR", root / "etc"},
          {"PMIX_PKGDATADIR", root / "share/pmix"}};
}

}  // namespace d2l
