#include "launcher/devices.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "data/loading/loader.h"
#include "framework/backend/cuda_module.h"
#include "framework/comm/device_communicator.h"
#include "framework/comm/gather.h"
#include "framework/comm/peer_watch.h"
#include "launcher/ranks.h"
#include "launcher/table.h"

namespace d2l::launcher {
namespace {

// What a rank finds on its host.
struct Place {
  char host[64] = {};
  int64_t local_rank = 0;
  int64_t gpus = 0;       // GPUs that it can see
  int64_t gpu = -1;       // the GPU that it takes; -1: none
  char address[64] = {};  // address of that GPU on its host
};

Place find_place(const Config& config, const MpiSession& session) {
  Place place;
  put(place.host, session.host());
  place.local_rank = session.local_rank();
  place.gpus = count_cuda_devices();
  const bool shared = config.machine.comm == CommChoice::mpi && place.gpus > 0;
  if (place.gpus == 1 || shared)
    place.gpu = place.local_rank % place.gpus;
  else if (place.local_rank < place.gpus)
    place.gpu = place.local_rank;
  if (place.gpu >= 0) put(place.address, cuda_device_address(static_cast<int>(place.gpu)));
  return place;
}

std::string table_of(const std::vector<Place>& places) {
  std::vector<Row> rows = {{"host", "rank", "local rank", "visible GPUs", "uses"}};
  for (size_t i = 0; i < places.size(); ++i) {
    const Place& p = places[i];
    rows.push_back(
        {p.host, std::to_string(i), std::to_string(p.local_rank), std::to_string(p.gpus),
         p.gpu < 0 ? "none" : concat(p.gpu, " (", static_cast<const char*>(p.address), ")")});
  }
  return table(rows);
}

bool lacks_gpu(const Place& place) { return place.gpu < 0; }

bool same_gpu(const Place& a, const Place& b) {
  return std::strcmp(a.host, b.host) == 0 && std::strcmp(a.address, b.address) == 0;
}

bool some_share(const std::vector<Place>& places) {
  for (size_t i = 0; i < places.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (same_gpu(places[i], places[k])) return true;
  return false;
}

// Of all ranks of the job.
std::vector<Place> gather_places(const Place& mine, const MpiSession& session) {
  std::vector<Place> places;
  for (const std::string& bytes :
       session.gather({reinterpret_cast<const char*>(&mine), sizeof mine}))
    std::memcpy(&places.emplace_back(), bytes.data(), sizeof(Place));
  return places;
}

// The GPU that this rank takes; nothing if it computes on the CPU.
std::optional<int> choose_gpu(const Config& config, const MpiSession& session) {
  if (config.machine.device == DeviceChoice::cpu) return std::nullopt;
  const Place mine = find_place(config, session);
  const std::vector<Place> places = gather_places(mine, session);
  const auto lacking = std::count_if(places.begin(), places.end(), lacks_gpu);
  if (lacking > 0) {
    const DeviceChoice device = config.machine.device;
    if (device == DeviceChoice::automatic && lacking == session.size()) return std::nullopt;
    check(session.size() > 1, "--device ", word_of(device), ": ", why_no_cuda());
    fail("--device ", word_of(device), " expects a GPU for each rank, found ",
         session.size() - lacking, " for ", session.size(),
         mine.gpus == 0 ? " (" + why_no_cuda() + ")" : "", "\n", table_of(places));
  }
  if (config.machine.comm != CommChoice::mpi && some_share(places))
    fail("expected a separate GPU for each rank, found shared ones; use fewer ranks per host, or ",
         "--comm mpi\n", table_of(places));
  return static_cast<int>(mine.gpu);
}

std::unique_ptr<Backend> make_backend(const Config& config, std::optional<int> gpu, int threads) {
  const PrecisionChoice precision = config.training.precision;
  const DeviceChoice device = config.machine.device;
  if (gpu)
    return make_cuda_backend({.device = *gpu,
                              .tf32 = precision == PrecisionChoice::tf32,
                              .deterministic = config.machine.deterministic});
  if (precision == PrecisionChoice::tf32)
    throw UsageError("--precision tf32 expects a GPU, found --device " + word_of(device));
  if (precision == PrecisionChoice::fp16)
    throw UsageError("--precision fp16 expects a GPU, found --device " + word_of(device) +
                     (device == DeviceChoice::automatic ? " and no GPU" : "") +
                     "; on CPUs use --precision bf16");
  return make_cpu_backend(
      threads, nullptr,
      config.training.reproducible > 0 ? CpuSums::same_on_any_threads : CpuSums::fast);
}

ThreadLimits thread_limits(const MpiSession& session) {
  return {.own_cores = session.own_cores(),
          .local_cores = session.local_cores(),
          .local_ranks = session.local_size(),
          .quota = session.cpu_quota()};
}

}  // namespace

Machine make_machine(const Config& config, const MpiSession& session,
                     std::unique_ptr<Communicator> host) {
  const std::optional<int> gpu = choose_gpu(config, session);
  const MachineConfig& wanted = config.machine;
  if (gpu && config.training.reproducible > 0)
    throw UsageError(concat("--reproducible ", config.training.reproducible,
                            " expects --device cpu, found a GPU: sums on GPUs and between them "
                            "have other orders"));
  if (!gpu && wanted.comm == CommChoice::nccl)
    throw UsageError("--comm nccl expects GPUs, found --device " + word_of(wanted.device));
  Machine machine;
  machine.trace = session.trace().get();
  if (!gpu && wanted.device == DeviceChoice::automatic && expects_cuda())
    machine.fallback_reason = why_no_cuda();
  const ThreadLimits limits = thread_limits(session);
  machine.threads = choose_threads(wanted.threads, limits, &std::getenv);
  // The thread that launches the work of a GPU needs a core too.
  machine.loader_threads =
      choose_loader_threads(wanted.loader_threads.count, gpu ? 1 : machine.threads.count,
                            data::Loader::kMostThreads, limits);
  machine.thread_warning = warning_about(machine.threads, limits);
  if (PeerWatch* peers = session.peers().get()) {
    peers->set_patience(wanted.peer_timeout);
    peers->set_stall_timeout(wanted.stall_timeout.seconds);
    if (!peers->is_connected())
      machine.watch_warning =
          "no TCP connection with rank 0: the loss of other ranks is not noticed";
  }
  const PrecisionChoice precision = config.training.precision;
  run_on_all_ranks(session, [&] {
    machine.backend = make_backend(config, gpu, machine.threads.count);
    if (gpu) machine.host = make_cpu_backend(machine.threads.count, &machine.backend->staging());
    check(machine.backend->computes(activation_type(precision)), "--precision ", word_of(precision),
          ": this device does not support it (", machine.backend->describe(),
          "); use --precision f32");
  });
  machine.can_record_steps = gpu && (host->size() == 1 || wanted.comm != CommChoice::mpi);
  machine.comm =
      make_device_communicator(std::move(host), *machine.backend,
                               wanted.comm == CommChoice::mpi ? Transport::host : Transport::nccl);
  return machine;
}

}  // namespace d2l::launcher
