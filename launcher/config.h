#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "framework/base/dtype.h"
#include "models/recipes.h"

namespace d2l::launcher {

// Everything that decides a training run. One table in options.cpp describes every member; the
// flags, --help, the config file and the copy in a checkpoint come from it. A flag is the member's
// name with '-' for '_'.
struct Config {
  std::string task;    // an experiment of the book; "": train a network
  std::string model;   // of the zoo; "": the recipe's
  std::string recipe;  // "": none
  std::string data = "fashion-mnist";
  std::string data_dir = ".";
  std::string out;     // the run folder
  std::string resume;  // a run folder to go on with
  std::string from;    // the checkpoint to go on from: a step or a file; "": the newest valid one
  std::string config;  // the config file
  std::string run_id;  // random, of the run; "": one of a version without
  int64_t epochs = 10;
  int64_t max_steps = 0;     // 0: no limit
  int64_t batch_size = 256;  // over all ranks
  int64_t accumulate = 1;
  std::string precision = "f32";
  double loss_scale = 0;  // of fp16; 0: it moves
  std::string device = "auto";
  std::string comm = "auto";
  bool deterministic = false;
  std::string cuda_graph = "auto";
  bool sync_bn = false;
  std::string freeze;  // patterns with ',' between them
  uint64_t seed = 0;
  std::string optimizer = "sgd";
  double lr = 0.1;
  double momentum = 0;
  bool nesterov = false;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 0;  // 0: the optimizer's own
  double weight_decay = 0;
  std::string decay = "all";
  double lars_eta = 0.001;
  std::string schedule = "constant";
  std::string warmup = "0";  // this and the next two are lengths: see length.h
  std::string step_every;
  std::string milestones;  // with ',' between them
  double warmup_start = 0;
  double gamma = 0.1;
  double power = 2;
  double final_lr = 0;
  double label_smoothing = 0;
  double clip_value = 0;  // 0: not clipped, both
  double clip_norm = 0;
  double ema = 0;          // 0: none
  int threads = 0;         // per rank; 0: choose
  int loader_threads = 1;  // per rank
  int64_t save_every = 0;  // steps; 0: at the end of each epoch
  int64_t keep = 3;        // checkpoints
  int64_t eval_every = 0;  // steps; 0: at the end of each epoch
  int64_t log_every = 50;  // steps; 0: never
  std::string progress = "auto";
  std::string init;    // xavier or normal; "": the recipe's or the model's
  int64_t width = 1;   // the model's channels are divided by it
  int64_t time = 0;    // steps to measure instead of a run; 0: none
  int64_t resize = 0;  // images become resize x resize; 0: they stay as they are
  std::string last_batch = "keep";
  double flip = 0;  // probability
  int64_t crop_padding = 0;
  std::string normalize = "none";  // see normalization.h

  bool operator==(const Config&) const = default;
};

struct CommandLine {
  Config config;
  bool help = false;            // then nothing else has been looked at
  bool list_models = false;     // the same
  std::set<std::string> given;  // options named on the command line or in the --config file
};

// Command line over --config file over recipe over defaults. Does not validate(). Throws
// UsageError, one line, for unknown flags, names of recipes and keys, missing values, words without
// a flag and numbers that do not parse.
CommandLine parse_command_line(int argc, const char* const* argv);

// Puts what the recipe says over what `config` says. Throws UsageError for options that do not
// exist or are not kept with a run, and for values that do not parse.
void apply_recipe(Config& config, const models::Recipe& recipe);

// What layers hand on to each other with this --precision.
DType activation_type(const Config& config);

// What --help prints: the options in groups, without a usage line.
std::string help_text();

// `name = value` lines with every option that is stored with a run; from_ini() reads it back to the
// same bits.
std::string to_ini(const Config& config);

// The defaults with the text's options on top; a recipe that it names is not looked up. `source`
// stands before the line number in errors. Throws UsageError.
Config from_ini(const std::string& text, const std::string& source = "config");

// The stored options with those of command_line.given on top. A recipe counts only where it is
// another one than the stored: then it lies between the two.
Config config_for_resume(const CommandLine& command_line, const std::string& stored_ini,
                         const std::string& source = "config");

// Throws UsageError naming the first option that is out of its range.
void check_values(const Config& config);

// Throws UsageError naming the first option that is out of its range, or that is one of `given`, is
// not at its default and has no effect with the others.
void validate(const Config& config, const std::set<std::string>& given = {});

}  // namespace d2l::launcher
