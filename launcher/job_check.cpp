#include "launcher/job_check.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "framework/base/affinity.h"
#include "framework/base/error.h"
#include "framework/base/random_id.h"
#include "framework/base/text.h"
#include "framework/base/timer.h"
#include "framework/comm/tcp.h"
#include "framework/tensor/create.h"
#include "launcher/ranks.h"
#include "launcher/run_folder.h"
#include "launcher/table.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

// "0-3,8"
std::string ranges_text(const std::vector<uint64_t>& mask) {
  const auto has = [&](size_t core) {
    return core / 64 < mask.size() && (mask[core / 64] >> core % 64 & 1) != 0;
  };
  std::vector<std::string> ranges;
  for (size_t core = 0; core < mask.size() * 64; ++core) {
    if (!has(core)) continue;
    const size_t first = core;
    while (has(core + 1)) ++core;
    ranges.push_back(first == core ? std::to_string(first) : concat(first, "-", core));
  }
  return join(ranges, ",");
}

// The rows of all ranks, which each rank gives as the words of its row.
std::string table_of_ranks(const Machine& machine, const MpiSession& session) {
  const Row mine = {std::to_string(session.rank()),         session.host(),
                    ranges_text(available_cores()),         std::to_string(machine.threads.count),
                    std::to_string(machine.loader_threads), machine.backend->describe()};
  std::vector<Row> rows = {{"rank", "host", "cores", "threads", "loader threads", "device"}};
  for (const std::string& row : session.gather(join(mine, "\n"))) rows.push_back(split_lines(row));
  return table(rows);
}

std::string network_text(const MpiSession& session) {
  std::string text;
  for (const std::string& line :
       merge_messages(session.gather(join(own_addresses(), ", ")), session.gather(session.host())))
    text += "addresses: " + line + "\n";
  return text;
}

// Of an all-reduce of the network's gradients.
std::string speed_text(Setup& setup, const Machine& machine) {
  if (machine.comm->size() == 1) return "";
  constexpr int kWarmUp = 3, kTimed = 15;
  Tensor values = zeros_like(setup.parameters.values());
  std::vector<double> seconds;
  for (int i = 0; i < kWarmUp + kTimed; ++i) {
    machine.comm->barrier();
    const Timer timer;
    machine.comm->all_reduce(values.view());
    machine.backend->synchronize();
    if (i >= kWarmUp) seconds.push_back(timer.seconds());
  }
  std::nth_element(seconds.begin(), seconds.begin() + kTimed / 2, seconds.end());
  const double median = seconds[kTimed / 2];
  const auto bytes = static_cast<double>(values.bytes());
  return concat("all-reduce of the gradients (", human_bytes(values.bytes()),
                "): ", rounded(median * 1e3), " ms, ", rounded(bytes / median / 1e9),
                " GB/s for each rank\n");
}

// The run folder or, if it does not exist yet, the nearest folder above it.
fs::path existing_part(fs::path folder) {
  folder = fs::absolute(folder).lexically_normal();
  std::error_code ignored;
  while (!fs::is_directory(folder, ignored) && folder != folder.parent_path())
    folder = folder.parent_path();
  return folder;
}

// A file, removed at the end.
struct Probe {
  explicit Probe(fs::path file) : path(std::move(file)) {}
  ~Probe() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  const fs::path path;
};

// A file that rank 0 writes must appear on all ranks.
void check_all_see(const fs::path& folder, const MpiSession& session) {
  const std::string id = session.gather(session.rank() == 0 ? random_id() : "").front();
  const Probe probe(folder / (".d2l-check-" + id));
  run_on_all_ranks(session, [&] {
    if (session.rank() == 0)
      check(std::ofstream(probe.path).put('\n').good(), folder.string(), ": cannot write there");
  });
  run_on_all_ranks(session, [&] { check_is_shared(probe.path); });
}

std::string folder_text(const Config& config, const MpiSession& session) {
  const fs::path out = config.run.out, there = existing_part(out);
  check_all_see(there, session);
  std::error_code error;
  const fs::space_info space = fs::space(there, error);
  return concat("run folder: ", out.string(),
                !config.run.resume.empty()       ? ", continues the run in it"
                : fs::exists(out / "config.ini") ? ", already contains a run"
                                                 : ", new",
                error ? "" : concat("; ", human_bytes(space.available), " free"),
                session.size() > 1 ? ", seen by all ranks" : "", "\n");
}

}  // namespace

std::string job_check(const Config& config, Setup& setup, const Machine& machine,
                      const MpiSession& session) {
  std::string text = description(config, setup, machine, *machine.backend) + "\n\n";
  text += table_of_ranks(machine, session) + "\n";
  text += mpi_version() + "\n" + network_text(session) + speed_text(setup, machine) +
          folder_text(config, session);
  for (const std::string& warning : gather_messages(warnings(config, machine, setup), session))
    text += "warning: " + warning + "\n";
  return text;
}

}  // namespace d2l::launcher
