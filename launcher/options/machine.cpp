#include "launcher/options/machine.h"

#include <initializer_list>

#include "data/loading/loader.h"
#include "data/shards/shard_dataset.h"
#include "framework/base/text.h"
#include "launcher/options/option_group.h"

namespace d2l::launcher {
namespace {

constexpr std::initializer_list<DeviceChoice> kWithGpus = {DeviceChoice::automatic,
                                                           DeviceChoice::cuda};

}  // namespace

template <>
const WordTable<DeviceChoice>& words_of() {
  using enum DeviceChoice;
  static const WordTable<DeviceChoice> kWords = {{automatic, "auto"}, {cpu, "cpu"}, {cuda, "cuda"}};
  return kWords;
}

template <>
const WordTable<CommChoice>& words_of() {
  using enum CommChoice;
  static const WordTable<CommChoice> kWords = {{automatic, "auto"}, {nccl, "nccl"}, {mpi, "mpi"}};
  return kWords;
}

template <>
const WordTable<GraphChoice>& words_of() {
  static const WordTable<GraphChoice> kWords = {{GraphChoice::automatic, "auto"},
                                                {GraphChoice::off, "off"}};
  return kWords;
}

std::vector<Option> machine_options() {
  using enum ResumeRule;
  OptionGroup group("Machine", &Config::machine);
  group.add("device", &MachineConfig::device, may_change,
            "device that computes. cuda: one GPU per rank. auto: GPUs if there are any, otherwise "
            "the CPU");
  group
      .add("comm", &MachineConfig::comm, may_change,
           "how the gradients of several GPUs are summed. nccl: by NCCL. mpi: by MPI, in host "
           "memory; several ranks may then share a GPU. auto: the same as nccl")
      .only_with("device", kWithGpus);
  group
      .add("deterministic", &MachineConfig::deterministic, may_change,
           "on GPUs: use deterministic kernels only, so that runs are bitwise reproducible. CPU "
           "kernels are always deterministic")
      .only_with("device", kWithGpus);
  group
      .add("cuda-graph", &MachineConfig::cuda_graph, may_change,
           "auto: capture training steps as CUDA graphs and replay them, unless gradients pass "
           "through host memory (--comm mpi with several ranks). off: use no CUDA graphs")
      .only_with("device", kWithGpus);
  group
      .add("threads", "N", &MachineConfig::threads, may_change,
           "compute threads per rank; 0: OMP_NUM_THREADS if it is set, otherwise the cores of the "
           "host divided among its ranks")
      .up_to(1024);
  group
      .add("peer-timeout", "SECONDS", &MachineConfig::peer_timeout, may_change,
           "with several ranks: end the job when a rank has given no sign of life for this time, "
           "because it is stopped or its host cannot be reached")
      .from(1)
      .up_to(86400);
  group.add("stall-timeout", "TIME", &MachineConfig::stall_timeout, may_change,
            "with several ranks: end the job when a rank lives but has not got on for this time "
            "while the others wait for it, for example because a file system hangs. Evaluating and "
            "saving may take any time. A warning names the rank long before. TIME as for "
            "--max-time; 0: never");
  group.add("loader-threads", "auto|N", &MachineConfig::loader_threads, may_change,
            "threads per rank that load data. auto: the cores of the host divided among its ranks, "
            "minus the compute threads of the rank (one if it computes on a GPU); at least 1");
  group.add("loader-queue", "auto|SIZE", &MachineConfig::loader_queue, may_change,
            "memory per rank for batches that are loaded in advance, for example 512MiB; at least "
            "one batch is. auto: " +
                human_bytes(data::LoaderOptions().queue_bytes) + ", and at most " +
                std::to_string(data::LoaderOptions().queue_depth) + " batches");
  group.add("cache", "auto|SIZE", &MachineConfig::cache, may_change,
            "memory per rank for blocks of shards, for the training data and the test data each, "
            "for example 4GiB. auto: for training, " +
                human_bytes(data::ShardDatasetOptions::kDefaultCacheBytes) +
                ", or with --shuffle blocks what the "
                "blocks in use need; for the test data " +
                human_bytes(kTestCacheBytes));
  group
      .add("time", "N", &MachineConfig::time, not_kept,
           "profile N training steps, and print the time of each layer and of each kind of "
           "operation. No run folder is written. 0: train")
      .up_to(kMostCounted);
  return group.options();
}

}  // namespace d2l::launcher
