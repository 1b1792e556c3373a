#pragma once

#include <cstdint>
#include <vector>

#include "launcher/options/automatic.h"
#include "launcher/options/option.h"
#include "launcher/options/wall_time.h"

namespace d2l::launcher {

struct Config;

enum class DeviceChoice { automatic, cpu, cuda };
enum class CommChoice { automatic, nccl, mpi };
enum class GraphChoice { automatic, off };
template <>
const WordTable<DeviceChoice>& words_of();
template <>
const WordTable<CommChoice>& words_of();
template <>
const WordTable<GraphChoice>& words_of();

struct MachineConfig {
  DeviceChoice device = DeviceChoice::automatic;
  CommChoice comm = CommChoice::automatic;
  bool deterministic = false;
  GraphChoice cuda_graph = GraphChoice::automatic;
  double peer_timeout = 4;                                   // seconds, see PeerWatch
  WallTime stall_timeout = {.seconds = 600, .text = "10m"};  // 0: never
  int threads = 0;                                           // per rank; 0: automatic
  ThreadChoice loader_threads = {};                          // per rank
  MemoryChoice loader_queue = {};                            // per rank and split
  MemoryChoice cache = {};                                   // per rank and split
  int64_t time = 0;  // steps to measure instead of training; 0: train

  bool operator==(const MachineConfig&) const = default;
};

// For blocks of the test data, with --cache auto.
inline constexpr uint64_t kTestCacheBytes = uint64_t{64} << 20;

std::vector<Option> machine_options();

}  // namespace d2l::launcher
