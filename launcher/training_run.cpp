#include "launcher/training_run.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "framework/base/process_memory.h"
#include "framework/base/program.h"
#include "framework/base/stop_signals.h"
#include "framework/base/terminal.h"
#include "framework/base/text.h"
#include "launcher/data_memory.h"
#include "launcher/ending.h"
#include "launcher/fold_data.h"
#include "launcher/last_state.h"
#include "launcher/pipelines.h"
#include "launcher/ranks.h"
#include "launcher/rate_factors.h"
#include "launcher/report.h"
#include "launcher/resume.h"
#include "launcher/run_folder.h"
#include "launcher/setup.h"
#include "launcher/start_weights.h"
#include "launcher/stored_config.h"
#include "launcher/trace_file.h"
#include "launcher/verify_resume.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

// What the run works with, and the warnings of all ranks about it. Collective.
void log_setup(const Config& config, const Setup& setup, const RunParts& parts, Log& log) {
  const Machine& machine = parts.machine;
  log.info(description(config, setup, machine, *machine.backend));
  for (const std::string& note :
       {setup.test_data ? fold_note(config, setup.train_data->dataset(), setup.test_data->dataset())
                        : "",
        rate_factors(config.optimizer, setup.parameters).note, pipelines_of(config).note,
        data_memory(*setup.train_data, setup.test_data.get(), machine.loader_threads),
        machine.backend->describe_products(setup.options.step.activations)})
    if (!note.empty()) log.info(note);
  for (const std::string& warning : gather_messages(warnings(config, machine, setup), parts.group))
    if (parts.group.rank() == 0) log.warn(warning);
  if (machine.on_gpu() && config.machine.cuda_graph == GraphChoice::automatic &&
      !setup.options.step.record)
    log.info("steps are not captured as CUDA graphs: --comm mpi sends gradients through the host");
}

// --weights
std::string load_weights(const Config& config, Setup& setup, Log& log) {
  return load_start_weights({.file = config.model.weights,
                             .model = config.model.name,
                             .input = setup.train_data->sample_shape(),
                             .warn = [&log](const std::string& text) { log.warn(text); }},
                            setup.parameters);
}

Progress::Options progress_options(const Config& config, const RunParts& parts,
                                   const Terminal& terminal) {
  const Progress::Form form = progress_form(config, terminal);
  const bool is_shared = form == Progress::Form::bar && !parts.has_terminal;
  return {.form = is_shared ? Progress::Form::lines : form, .name = parts.name};
}

// Why this rank wants to stop; "" as long as it does not.
std::string stop_reason(const StopSignals& signals, const WallTime& limit) {
  if (limit.seconds > 0 && seconds_since_start() >= limit.seconds)
    return "--max-time " + limit.text;
  return signals.received();
}

// While it exists, what a rank 0 tells about ranks that do not get on goes to the log.
class ToldByPeers {
 public:
  ToldByPeers(PeerWatch* peers, Log& log) : peers_(peers) {
    if (peers_ == nullptr) return;
    peers_->set_tell([&log](const Notices::Line& line) {
      line.is_warning ? log.warn(line.text) : log.info(line.text);
    });
  }
  ~ToldByPeers() {
    if (peers_ != nullptr) peers_->set_tell(nullptr);
  }
  ToldByPeers(const ToldByPeers&) = delete;
  ToldByPeers& operator=(const ToldByPeers&) = delete;

 private:
  PeerWatch* peers_;
};

// With what belongs to the group's ranks.
TrainerParts parts_of_group(TrainerParts parts, const RankGroup& group, Progress& progress,
                            const fs::path& out) {
  parts.progress = group.rank() == 0 ? &progress : nullptr;
  parts.peers = group.peers().get();
  parts.trace = group.trace().get();
  parts.first_rank = group.first_rank();
  parts.leave_state = [&group, out](int64_t step, const Snapshot& state) {
    return leave_last_state(out / "checkpoints", step, state, group);
  };
  return parts;
}

// The peaks of all ranks: of the pool of the device's memory, and of the process. Collective.
std::string memory_text(const RunParts& parts) {
  const uint64_t mine[] = {parts.machine.backend->pool().stats().peak_bytes_in_use,
                           ProcessMemory::now().peak};
  uint64_t most[] = {0, 0};
  for (const std::string& bytes :
       parts.group.gather({reinterpret_cast<const char*>(mine), sizeof mine})) {
    uint64_t peaks[2];
    std::memcpy(peaks, bytes.data(), sizeof peaks);
    for (size_t i = 0; i < 2; ++i) most[i] = std::max(most[i], peaks[i]);
  }
  return concat("memory of a rank: at most ", human_bytes(most[0]), " of the ",
                parts.machine.on_gpu() ? "GPU" : "pool", ", ", human_bytes(most[1]),
                " of the process");
}

// The results, or why there are none yet. Throws Error if the last checkpoint is not there.
void print_end(const TrainerReport& report, const Setup& setup, const RunParts& parts,
               const fs::path& out, Log& log) {
  log.info(memory_text(parts));
  if (report.stopped.empty()) {
    print_report(report, setup.objective->metrics(), parts.machine, log);
    if (parts.group.rank() == 0 && parts.name.empty()) print_curve(report, Terminal::find());
  }
  const std::string checkpoint =
      CheckpointStore::path_of(out / "checkpoints", report.step).string();
  check(report.saved, "the last checkpoint could not be written: expected ", checkpoint);
  log.info("run folder ", out.string(), ", checkpoint ", checkpoint);
  if (!report.stopped.empty())
    log.info("stopped after step ", report.step, ": ", report.stopped, "; --resume ", out.string(),
             " continues the run");
}

RunResult result_of(const TrainerReport& report, const Setup& setup) {
  return {.report = report,
          .metrics = setup.objective->metrics(),
          .deciding = report.deciding,
          .train_samples = setup.train_data->dataset().samples(),
          .test_samples = setup.test_data ? setup.test_data->dataset().samples() : 0,
          .step = report.step,
          .stopped = !report.stopped.empty()};
}

}  // namespace

RunResult train_run(Config config, const RunParts& parts) {
  const Machine& machine = parts.machine;
  Communicator* comm = machine.comm.get();
  if (config.run.resume.empty()) config.run.id = new_run_id(*comm);
  const fs::path out = config.run.out;
  const bool first = comm->rank() == 0, is_only = parts.name.empty();
  Log log(!first, parts.name + name_of(parts.group));
  const ToldByPeers told(parts.group.peers().get(), log);
  auto warn = [&log](const std::string& text) { log.warn(text); };

  std::optional<Setup> made;
  run_on_all_ranks(parts.group, [&] { made.emplace(config, machine, *machine.backend); });
  Setup& setup = *made;
  check_agreement(setup.facts(), *comm, parts.group.host());
  if (!config.run.id.empty()) setup.options.texts["run"] = config.run.id;

  // Locks the folder. Nothing is written to it before data, model and checkpoint are checked.
  std::optional<RunFolder> folder;
  const Terminal terminal = Terminal::find();
  Progress progress(progress_options(config, parts, terminal), terminal);
  if (first) {
    folder.emplace(config, parts.group.trace().get(), warn, [&](const std::string& why) {
      report_and_abort(parts.name + why, 1, parts.session, parts.last_words);
    });
    if (is_only) std::printf("%s\n", to_ini(config).c_str());
  }
  comm->barrier();
  auto found = find_checkpoint(config, *comm, log);
  std::string weights_report;
  if (!found && !config.model.weights.empty())
    run_on_all_ranks(parts.group, [&] { weights_report = load_weights(config, setup, log); });
  std::string resume_report;
  if (config.run.verify_resume > 0) resume_report = verify_resume(config, setup, found, *comm, log);
  TrainerParts trainer_parts = parts_of_group(setup.parts(*comm, log), parts.group, progress, out);
  std::optional<StopSignals> signals;
  trainer_parts.stop_reason = [&] { return stop_reason(*signals, config.run.max_time); };
  Trainer trainer(trainer_parts, setup.options);
  if (found) restore(trainer, *found, config, setup.train_fingerprint);
  check_states_agree(trainer, *comm, parts.group.host());
  std::optional<TraceFile> trace;
  if (!config.run.trace.empty()) trace.emplace(config.run.trace, parts.group, *comm, log);
  if (first) {
    folder->begin(config, trainer.state().position, found ? found->path : "", log);
    trainer.set_files(&folder->store(), &folder->metrics());
  }
  comm->barrier();
  run_on_all_ranks(parts.group, [&] { check_is_shared(out / "config.ini"); });
  parts.last_words.belong_to(out / "log.txt");
  log_setup(config, setup, parts, log);
  for (const std::string& report : {weights_report, resume_report})
    if (!report.empty()) log.info(report);
  log_start(config, trainer, found, log);
  signals.emplace();
  const TrainerReport report = trainer.run();
  signals.reset();
  if (trace) trace->write();
  print_end(report, setup, parts, out, log);
  comm->barrier();
  return result_of(report, setup);
}

}  // namespace d2l::launcher
