#include "launcher/options/machine.h"

#include <initializer_list>

#include "data/loader.h"
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
            "what computes: the CPU, or with cuda a GPU for each rank; auto: GPUs if there are "
            "any");
  group
      .add("comm", &MachineConfig::comm, may_change,
           "how gradients travel between GPUs: by NCCL, or by MPI through the host's memory, with "
           "which ranks may share a GPU; auto is nccl")
      .only_with("device", kWithGpus);
  group
      .add("deterministic", &MachineConfig::deterministic, may_change,
           "on GPUs only kernels that give the same bits in every run; on CPUs all do")
      .only_with("device", kWithGpus);
  group
      .add("cuda-graph", &MachineConfig::cuda_graph, may_change,
           "auto: GPUs record training steps once and replay them, where nothing in them passes "
           "through the host; off: never")
      .only_with("device", kWithGpus);
  group
      .add("threads", "N", &MachineConfig::threads, may_change,
           "threads per rank that compute; 0: chosen from the cores")
      .up_to(1024);
  group
      .add("loader-threads", "N", &MachineConfig::loader_threads, may_change,
           "threads per rank that load data")
      .from(1)
      .up_to(data::Loader::kMostThreads);
  group
      .add("time", "N", &MachineConfig::time, not_kept,
           "do N steps instead of a run and show where their time goes, layer by layer; 0: train")
      .up_to(kMostCounted);
  return group.options();
}

}  // namespace d2l::launcher
