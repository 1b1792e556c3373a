#include "framework/comm/mpi_session.h"

#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>
#include <utility>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/base/affinity.h"
#include "framework/base/cpu_quota.h"
#include "framework/base/error.h"
#include "framework/comm/launch_environment.h"
#include "framework/comm/mpi_check.h"
#include "framework/comm/mpi_communicator.h"

namespace d2l {

namespace {

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

// Each rank's bytes, rank after rank, and their lengths in bytes.
struct Gathered {
  std::vector<char> bytes;
  std::vector<int> lengths;
};

Gathered gather_bytes(const void* mine, size_t length, MPI_Comm comm) {
  int size = 0, own = static_cast<int>(length), sum = 0;
  mpi_check(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  Gathered all{.bytes = {}, .lengths = std::vector<int>(static_cast<size_t>(size))};
  mpi_check(MPI_Allgather(&own, 1, MPI_INT, all.lengths.data(), 1, MPI_INT, comm), "MPI_Allgather");
  std::vector<int> begins;
  for (const int count : all.lengths) {
    begins.push_back(sum);
    sum += count;
  }
  all.bytes.resize(static_cast<size_t>(sum));
  mpi_check(MPI_Allgatherv(mine, own, MPI_BYTE, all.bytes.data(), all.lengths.data(), begins.data(),
                           MPI_BYTE, comm),
            "MPI_Allgatherv");
  return all;
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

MpiSession::MpiSession(int* argc, char*** argv)
    : broken_(std::make_shared<std::atomic<bool>>(false)) {
  const LaunchEnvironment launch = LaunchEnvironment::read(&std::getenv);
  start_mpi(argc, argv, launch);
  mpi_check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  mpi_check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");

  char name[MPI_MAX_PROCESSOR_NAME];
  int length = 0;
  mpi_check(MPI_Get_processor_name(name, &length), "MPI_Get_processor_name");
  host_.assign(name, static_cast<size_t>(length));
  find_host_resources();
}

// Ranks of one host share its cores and their control groups' quotas.
void MpiSession::find_host_resources() {
  std::vector<uint64_t> cores = cores_for_threads();
  own_cores_ = local_cores_ = count_cores(cores);
  const std::vector<CpuQuota> quotas = cpu_quotas();
  cpu_quota_ = smallest_share(quotas, quotas);
  if (size_ == 1) return;

  MPI_Comm same_host = MPI_COMM_NULL;
  mpi_check(
      MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &same_host),
      "MPI_Comm_split_type");
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

std::vector<std::string> MpiSession::gather(const std::string& mine) const {
  if (size_ == 1) return {mine};
  const Gathered all = gather_bytes(mine.data(), mine.size(), MPI_COMM_WORLD);
  std::vector<std::string> texts;
  auto begin = all.bytes.begin();
  for (const int length : all.lengths) {
    texts.emplace_back(begin, begin + length);
    begin += length;
  }
  return texts;
}

MpiSession::~MpiSession() {
  if (size_ > 1 && (std::uncaught_exceptions() > 0 || *broken_)) abort(1);
  MPI_Finalize();
}

std::unique_ptr<Communicator> MpiSession::communicator() {
  if (size_ == 1) return make_self_communicator();
  int hosts = local_rank_ == 0 ? 1 : 0;
  mpi_check(MPI_Allreduce(MPI_IN_PLACE, &hosts, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD),
            "MPI_Allreduce");
  MpiCommunicator::Options options;
  options.description =
      concat("MPI, ", size_, " ranks on ", hosts, hosts == 1 ? " host" : " hosts");
  // Through one host's memory a megabyte takes about as long as waking a thread a few times; over
  // a network there is always something to hide.
  options.caller_bytes = hosts == 1 ? 1 << 20 : 0;
  options.broken = broken_;
  return std::make_unique<MpiCommunicator>(MPI_COMM_WORLD, std::move(options));
}

void MpiSession::abort(int exit_code) {
  std::fflush(nullptr);
  if (size_ > 1) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace d2l
