#include "framework/launch/start_command.h"

#include <cctype>

#include "framework/base/error.h"
#include "framework/launch/leftovers.h"

namespace d2l::launch {
namespace {

using Words = std::vector<std::string>;

int count_ranks(const Start& start) {
  int ranks = 0;
  for (const HostRanks& host : start.placement) ranks += host.count;
  return ranks;
}

void append(Words& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

void append_hosts(Words& words, const Start& start) {
  std::string hosts;
  for (const HostRanks& host : start.placement)
    hosts += concat(hosts.empty() ? "" : ",", host.host, ":", host.count);
  append(words, {"--host", hosts});
  // Otherwise a job waits for hours for a host that has lost its network or its power. 4 seconds,
  // as long as d2l-train itself waits for a sign of life.
  append(words, {"--mca", "oob_tcp_keepalive_time", "1", "--mca", "oob_tcp_keepalive_intvl", "1",
                 "--mca", "oob_tcp_keepalive_probes", "3"});
  append(words, {"-x", kJobVariable});
  for (const std::string& variable : start.variables) append(words, {"-x", variable});
}

Words mpirun_command(const Start& start) {
  Words words = {start.path, "--report-uri", "-"};
  if (start.tagged) words.emplace_back("--tag-output");
  if (!start.logs.empty()) append(words, {"--output-filename", start.logs.string() + ":nojobid"});
  if (!start.one_host) append_hosts(words, start);
  append(words, {"-n", std::to_string(count_ranks(start))});
  const std::string cores = std::to_string(start.binding.cores);
  if (start.binding.cores == 0)
    append(words, {"--bind-to", "none"});
  else if (start.binding.ranks_per_numa > 0)
    append(words, {"--map-by", concat("ppr:", start.binding.ranks_per_numa, ":numa:PE=", cores),
                   "--bind-to", "core"});
  else
    append(words, {"--map-by", "slot:PE=" + cores, "--bind-to", "core"});
  if (start.more_ranks_than_cores)
    append(words, {"--oversubscribe", "--mca", "mpi_yield_when_idle", "1"});
  return words;
}

Words srun_command(const Start& start) {
  std::string nodes;
  for (const HostRanks& host : start.placement) nodes += (nodes.empty() ? "" : ",") + host.host;
  Words words = {start.path, "--mpi=pmix", "--label", "--kill-on-bad-exit=1"};
  append(words, {concat("--nodes=", start.placement.size()), "--nodelist=" + nodes,
                 concat("--ntasks=", count_ranks(start))});
  if (start.binding.cores == 0)
    words.emplace_back("--cpu-bind=none");
  else
    append(words, {concat("--cpus-per-task=", start.binding.cores), "--cpu-bind=cores"});
  if (start.more_ranks_than_cores) words.emplace_back("--overcommit");
  return words;
}

}  // namespace

OutputForm output_form(const Start& start) {
  if (start.starter == Starter::srun) return OutputForm::labelled;
  return start.tagged ? OutputForm::tagged : OutputForm::plain;
}

Words start_command(const Start& start) {
  Words words = start.starter == Starter::mpirun ? mpirun_command(start) : srun_command(start);
  words.insert(words.end(), start.program.begin(), start.program.end());
  return words;
}

std::string shell_line(const Words& command) {
  std::string line;
  for (const std::string& word : command) {
    bool plain = !word.empty();
    for (const unsigned char c : word)
      plain &= std::isalnum(c) != 0 ||
               std::string("_-./:=,+@%").find(static_cast<char>(c)) != std::string::npos;
    line += line.empty() ? "" : " ";
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace d2l::launch
