#include "framework/comm/mpi_session.h"

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/base/affinity.h"
#include "framework/base/cpu_quota.h"
#include "framework/base/error.h"
#include "framework/comm/launch_environment.h"
#include "framework/comm/mpi_check.h"
#include "framework/comm/peer_watch.h"
#include "framework/comm/rank_handle.h"

namespace d2l {

namespace {

// Ends this process then. For MPI_Abort, which waits for mpirun; and mpirun may be waiting for two
// seconds for the ranks that it has told to end.
void exit_after(double seconds, int exit_code) {
  try {
    std::thread([=] {
      std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
      std::_Exit(exit_code);
    }).detach();
  } catch (const std::system_error&) {
    // no more threads: MPI_Abort takes as long as it takes
  }
}

// Variables that are set while MPI reads them, and not for the programs that this one starts.
class ScopedSettings {
 public:
  explicit ScopedSettings(const std::vector<std::pair<std::string, std::string>>& settings) {
    for (const auto& [name, value] : settings) {
      if (std::getenv(name.c_str())) continue;
      setenv(name.c_str(), value.c_str(), 0);
      ours_.push_back(name);
    }
  }
  ~ScopedSettings() {
    for (const std::string& name : ours_) unsetenv(name.c_str());
  }
  ScopedSettings(const ScopedSettings&) = delete;
  ScopedSettings& operator=(const ScopedSettings&) = delete;

 private:
  std::vector<std::string> ours_;
};

void start_mpi(int* argc, char*** argv, const LaunchEnvironment& launch) {
  int started = 0, ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  check(!started && !ended, "MPI: a process has one session, this is its second");
  check(launch.unconnected_tasks <= 1, launch.unconnected_message());

  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  for (const auto& [name, value] : package_settings(program.parent_path().parent_path()))
    setenv(name.c_str(), value.c_str(), 1);
  const ScopedSettings settings(launch.settings());
  int provided = MPI_THREAD_SINGLE;
  mpi_check(MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  check(provided == MPI_THREAD_MULTIPLE, "MPI: expects a library that several threads may call ",
        "(MPI_THREAD_MULTIPLE = ", MPI_THREAD_MULTIPLE, "), found thread level ", provided);
}

// What is left to a rank of its groups' quotas, when `all` ranks' groups share them.
double smallest_share(const std::vector<CpuQuota>& own, const std::vector<CpuQuota>& all) {
  double least = std::numeric_limits<double>::infinity();
  for (const CpuQuota& quota : own) {
    const auto ranks = std::count_if(
        all.begin(), all.end(), [&](const CpuQuota& other) { return other.group == quota.group; });
    least = std::min(least, quota.cores / static_cast<double>(ranks));
  }
  return least;
}

}  // namespace

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  mpi_check(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
  const std::string version = text;
  return version.substr(0, version.find(','));
}

MpiSession::MpiSession(int* argc, char*** argv) {
  const LaunchEnvironment launch = LaunchEnvironment::read(&std::getenv);
  start_mpi(argc, argv, launch);
  broken_ = std::make_shared<std::atomic<bool>>(false);
  set_ranks(std::make_shared<const Handle>(Handle{MPI_COMM_WORLD}));

  char name[MPI_MAX_PROCESSOR_NAME];
  int length = 0;
  mpi_check(MPI_Get_processor_name(name, &length), "MPI_Get_processor_name");
  host_.assign(name, static_cast<size_t>(length));
  find_host_resources();
  if (size() > 1) peers_ = PeerWatch::start(*this);
}

// Ranks of one host share its cores and their control groups' quotas.
void MpiSession::find_host_resources() {
  std::vector<uint64_t> cores = cores_for_threads();
  own_cores_ = local_cores_ = count_cores(cores);
  const std::vector<CpuQuota> quotas = cpu_quotas();
  cpu_quota_ = smallest_share(quotas, quotas);
  if (size() == 1) return;

  MPI_Comm same_host = ranks_of_host(MPI_COMM_WORLD);
  mpi_check(MPI_Comm_rank(same_host, &local_rank_), "MPI_Comm_rank");
  mpi_check(MPI_Comm_size(same_host, &local_size_), "MPI_Comm_size");
  mpi_check(MPI_Allreduce(MPI_IN_PLACE, cores.data(), static_cast<int>(cores.size()), MPI_UINT64_T,
                          MPI_BOR, same_host),
            "MPI_Allreduce");
  local_cores_ = count_cores(cores);
  const Gathered all = gather_bytes(quotas.data(), quotas.size() * sizeof(CpuQuota), same_host);
  std::vector<CpuQuota> of_all(all.bytes.size() / sizeof(CpuQuota));
  if (!of_all.empty()) std::memcpy(of_all.data(), all.bytes.data(), all.bytes.size());
  cpu_quota_ = smallest_share(quotas, of_all);
  mpi_check(MPI_Comm_free(&same_host), "MPI_Comm_free");
}

MpiSession::~MpiSession() {
  if (size() > 1 && (std::uncaught_exceptions() > 0 || *broken_)) abort(1);
  peers_.reset();
  MPI_Finalize();
}

void MpiSession::abort(int exit_code) {
  std::fflush(nullptr);
  if (peers_) peers_->announce_failure();
  if (size() > 1) exit_after(0.3, exit_code);
  if (size() > 1) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace d2l
