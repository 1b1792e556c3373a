#include "launcher/cross_validation.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "data/loading/sampler.h"
#include "framework/base/files.h"
#include "framework/base/program.h"
#include "framework/base/text.h"
#include "framework/comm/agreement.h"
#include "launcher/ending.h"
#include "launcher/fold_data.h"
#include "launcher/folds_folder.h"
#include "launcher/folds_table.h"
#include "launcher/ranks.h"
#include "launcher/setup.h"
#include "launcher/stored_config.h"
#include "launcher/training_run.h"

namespace d2l::launcher {
namespace {

namespace fs = std::filesystem;

// The group of this rank among `groups`.
int group_of(int rank, int ranks, int groups) {
  int group = 0;
  while (share_begin(ranks, groups, group + 1) <= rank) ++group;
  return group;
}

// Checks that all ranks of the job have the same options and the same training data.
void join_ranks(const Config& config, const MpiSession& session, Communicator& all) {
  check_agreement(facts_of(config), all, session.host());
  std::string fingerprint;
  const int ranks = largest_group(config.cross_validation, session.size());
  run_on_all_ranks(session,
                   [&] { fingerprint = open_training_data(config, ranks)->fingerprint(); });
  check_agreement({{"the training data", fingerprint}}, all, session.host());
}

// The options of a fold's run; the run continues if it has begun. Collective in the group.
Config config_of_fold(Config config, int64_t fold, const RankGroup& group) {
  const fs::path folder = config.run.out;
  const std::string mine = group.rank() == 0 && has_fold_run(folder, fold) ? "begun" : "";
  const bool has_begun = !group.gather(mine).front().empty();
  config.cross_validation.fold = fold;
  config.run.out = fold_folder(folder.string(), fold);
  if (!config.run.also_save_to.empty())
    config.run.also_save_to = fold_folder(config.run.also_save_to, fold);
  config.run.resume = has_begun ? config.run.out : "";
  if (has_begun)
    run_on_all_ranks(group, [&] {
      const fs::path file = fs::path(config.run.out) / "config.ini";
      config.run.id = from_ini(read_text_file(file), file.string()).run.id;
    });
  return config;
}

// Adds the fold to the messages of errors.
RunResult train_fold(const Config& config, const RunParts& parts) {
  try {
    return train_run(config, parts);
  } catch (const JobError& error) {
    throw JobError(parts.name + error.what(), error.exit_code());
  } catch (const UsageError& error) {
    throw UsageError(parts.name + error.what());
  } catch (const std::exception& error) {
    fail(parts.name, error.what());
  }
}

FoldResult result_of(const Config& config, const RunResult& run) {
  FoldResult result = {.fold = config.cross_validation.fold,
                       .train_samples = run.train_samples,
                       .test_samples = run.test_samples,
                       .step = run.step,
                       .values = {run.report.loss}};
  std::vector<double>& values = result.values;
  values.insert(values.end(), run.report.train.begin(), run.report.train.end());
  values.push_back(run.report.test_loss);
  values.insert(values.end(), run.report.test.begin(), run.report.test.end());
  const auto& best = run.report.best;
  values.push_back(best ? best->value : std::numeric_limits<double>::quiet_NaN());
  return result;
}

std::vector<FoldValue> names_of(const RunResult& run) {
  std::vector<FoldValue> names;
  for (const std::string split : {"train", "test"}) {
    names.push_back({split + "_loss", split + " loss"});
    for (const Metric& metric : run.metrics)
      names.push_back({concat(split, "_", metric.name), concat(split, " ", metric.label)});
  }
  names.push_back({"best_test_" + run.deciding.name, "best test " + run.deciding.label});
  return names;
}

// The results of the folds that this rank's group trains; on its rank 0 only.
struct GroupResults {
  std::vector<FoldValue> names;
  std::string lines;
  bool stopped = false;  // before the end of a fold; on all ranks
};

// Collective.
bool is_true_anywhere(bool here, Communicator& comm) {
  int64_t count = here ? 1 : 0;
  comm.all_reduce({&count, DType::i64, Shape{1}});
  return count > 0;
}

// Of all groups, ordered by fold. Collective.
std::vector<FoldResult> gather_results(const std::string& mine, const MpiSession& session) {
  std::vector<FoldResult> results;
  for (const std::string& text : session.gather(mine))
    for (const std::string& line : split_lines(text)) results.push_back(parse_fold_result(line));
  std::sort(results.begin(), results.end(),
            [](const FoldResult& a, const FoldResult& b) { return a.fold < b.fold; });
  return results;
}

class CrossValidation {
 public:
  CrossValidation(const Config& config, MpiSession& session, LastWords& last_words)
      : config_(config),
        session_(session),
        last_words_(last_words),
        groups_(groups_of(config.cross_validation, session.size())),
        number_(group_of(session.rank(), session.size(), groups_)) {}

  // Whether an error of all ranks of this group need not be one of all ranks of the job.
  bool groups_differ() const { return trains_ && groups_ > 1; }
  // Of this rank's group.
  int first_rank() const {
    return static_cast<int>(share_begin(session_.size(), groups_, number_));
  }

  // Returns whether all folds have been trained to their ends.
  bool run() {
    const std::unique_ptr<Communicator> all = session_.communicator();
    join_ranks(config_, session_, *all);
    const bool first = session_.rank() == 0;
    Log log(!first, name_of(session_));
    std::optional<FoldsFolder> folder;
    if (first) {
      folder.emplace(config_, log, [this](const std::string& why) {
        report_and_abort(why, 1, session_, last_words_);
      });
      std::printf("%s\n", to_ini(config_).c_str());
    }
    all->barrier();
    log.info(plan());
    trains_ = true;
    const GroupResults mine = train_share();
    trains_ = false;
    if (is_true_anywhere(mine.stopped, *all)) {
      log.info("stopped; --resume ", config_.run.out, " continues the folds");
      return false;
    }
    const std::vector<FoldResult> results = gather_results(mine.lines, session_);
    if (!first) return true;
    const fs::path csv = folder->write_results(folds_csv(mine.names, results));
    for (const std::string& line : split_lines(folds_table(mine.names, results))) log.info(line);
    log.info("results in ", csv.string(), ", runs in ", fold_folder(config_.run.out, 1), " to ",
             fold_folder(config_.run.out, config_.cross_validation.folds));
    return true;
  }

 private:
  std::string plan() const {
    const int64_t folds = config_.cross_validation.folds;
    return concat("cross-validation with ", folds, " folds; ", session_.size(),
                  session_.size() == 1 ? " rank" : " ranks", " in ", groups_,
                  groups_ == 1 ? " group" : " groups");
  }

  // Trains the folds of this rank's group.
  GroupResults train_share() {
    if (groups_ == 1) return train_share_in(session_);
    return train_share_in(*session_.split(number_));
  }

  GroupResults train_share_in(const RankGroup& group) {
    const Machine machine = make_machine(config_, session_, group.communicator());
    GroupResults results;
    for (int64_t fold = number_ + 1; fold <= config_.cross_validation.folds; fold += groups_) {
      last_words_.belong_to(fs::path(config_.run.out) / "log.txt");
      const Config config = config_of_fold(config_, fold, group);
      const RunResult run = train_fold(config, {.machine = machine,
                                                .group = group,
                                                .session = session_,
                                                .last_words = last_words_,
                                                .name = concat("fold ", fold, ": "),
                                                .has_terminal = groups_ == 1});
      results.stopped = run.stopped;
      if (run.stopped) break;
      if (group.rank() > 0) continue;
      results.names = names_of(run);
      results.lines += to_text(result_of(config, run)) + "\n";
    }
    last_words_.belong_to(fs::path(config_.run.out) / "log.txt");
    return results;
  }

  const Config& config_;
  MpiSession& session_;
  LastWords& last_words_;
  int groups_, number_;  // number_: of this rank's group
  bool trains_ = false;
};

}  // namespace

int train_folds(const Config& config, MpiSession& session, LastWords& last_words) {
  CrossValidation validation(config, session, last_words);
  std::optional<JobError> failure;
  try {
    return validation.run() ? 0 : kStoppedEarly;
  } catch (const JobError& error) {
    if (!validation.groups_differ()) throw;
    failure = error;
  }
  report_for_group(*failure, validation.first_rank(), session, last_words);
}

}  // namespace d2l::launcher
