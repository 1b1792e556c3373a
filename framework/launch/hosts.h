#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace d2l::launch {

// A host and the number of ranks that may run on it.
struct Host {
  std::string name;
  int slots = 1;
};

// "node1:4,node2:4"; a host without a number has one slot. The slots of a host that is named twice
// are added. Throws UsageError.
std::vector<Host> parse_hosts(const std::string& text);

// A file in Open MPI's format: one host per line, "node1 slots=4" or "node1:4"; "#" begins a
// comment. Throws UsageError, with the number of the line.
std::vector<Host> read_hostfile(const std::filesystem::path& path);

// The number of slots of all hosts.
int total_slots(const std::vector<Host>& hosts);

// Whether `name` is a name of the host on which this process runs.
bool is_this_host(const std::string& name);

// The name of this host.
std::string this_host();

// Reads a number from 1 to a million. Throws UsageError that begins with `label`.
int positive_number(const std::string& label, const std::string& text);

}  // namespace d2l::launch
