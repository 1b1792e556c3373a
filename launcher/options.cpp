#include "launcher/options.h"

#include <charconv>
#include <type_traits>

#include "data/catalog.h"
#include "data/loader.h"
#include "framework/base/text.h"

namespace d2l::launcher {
namespace {

constexpr double kMost = 1e9;  // of what is counted: products of two such numbers still fit

std::vector<Option> model_options() {
  const std::string group = "Model and data";
  return {
      {group, "model", "NAME", "the network to train", &Config::model},
      {group, "recipe", "NAME", "a model with the options that suit it; others win over them",
       &Config::recipe},
      Option(group, "init", "KIND",
             "initial weights: xavier or normal; without it the recipe's or the model's",
             &Config::init)
          .one_of({"xavier", "normal"}),
      Option(group, "width", "N", "divides the channels of models that can be made narrower",
             &Config::width)
          .from(1)
          .up_to(1024),
      Option(group, "data", "NAME",
             "the data set: " + join(data::dataset_names(), ", ") +
                 "; or a folder of shards, as ./NAME where it is called like one of these",
             &Config::data)
          .path()
          .per_rank(),
      Option(group, "data-dir", "DIR", "where the data set's files are", &Config::data_dir)
          .path()
          .per_rank(),
      Option(group, "resize", "N", "make images N x N, bilinearly; 0: leave them as they are",
             &Config::resize)
          .from(0)
          .up_to(4096),
  };
}

std::vector<Option> image_options() {
  const std::string group = "Images (prepared where the network computes)";
  return {
      Option(group, "flip", "P",
             "training sees mirror images, left to right, with this probability", &Config::flip)
          .from(0)
          .up_to(1),
      Option(group, "crop-padding", "N",
             "training sees a window of the image's size at a random place of the image with N "
             "zeros on all sides",
             &Config::crop_padding)
          .up_to(4096),
      {group, "normalize", "WHAT",
       "(v - MEAN) / STD for values v from 0 to 1: imagenet or cifar10, the means and standard "
       "deviations of these data sets; or MEAN:STD with a number or one for each channel on both "
       "sides, as 0.5:0.25 or 0.49,0.48,0.45:0.25,0.24,0.26; or none",
       &Config::normalize},
  };
}

std::vector<Option> training_options() {
  const std::string group = "Training";
  return {
      Option(group, "epochs", "N", "passes over the training data", &Config::epochs)
          .from(1)
          .up_to(kMost),
      Option(group, "max-steps", "N", "stop after so many steps; 0: no limit", &Config::max_steps)
          .up_to(kMost),
      Option(group, "batch-size", "N", "samples per step, over all ranks", &Config::batch_size)
          .from(1)
          .up_to(kMost),
      Option(group, "last-batch", "WHAT",
             "of an epoch, where the samples are no multiple of --batch-size: keep the smaller "
             "one, or drop it; the samples that are left out are other ones in each epoch",
             &Config::last_batch)
          .one_of({"keep", "drop"}),
      Option(group, "accumulate", "N",
             "pieces that each rank's part of a batch is cut into; their gradients are added: less "
             "memory for the same step",
             &Config::accumulate)
          .from(1),
      Option(group, "precision", "TYPE",
             "what images and activations are stored as and multiplied in: f32, or bf16, which on "
             "some CPUs is only stored; weights, sums, statistics and losses stay f32. On GPUs "
             "also fp16, with "
             "loss scaling, and tf32: stored as f32, multiplied in 19 bits",
             &Config::precision)
          .one_of({"f32", "bf16", "fp16", "tf32"}),
      Option(group, "loss-scale", "X",
             "what fp16 multiplies gradients with on their way back; 0: begins with 65536, halves "
             "when they overflow and the step is skipped, doubles after 2000 steps that went well",
             &Config::loss_scale)
          .from(0)
          .up_to(1e30)
          .only_with("precision", {"fp16"}),
      {group, "sync-bn", "on|off", "batch norms use the statistics of all ranks' samples",
       &Config::sync_bn},
      {group, "freeze", "PATTERN,...",
       "parameters that stay as they are, such as layer1.*; a normalisation that is frozen keeps "
       "its statistics",
       &Config::freeze},
      {group, "seed", "N", "of everything random", &Config::seed},
  };
}

std::vector<Option> optimizer_options() {
  const std::string group = "Optimizer", by = "optimizer";
  const std::vector<std::string> moving = {"sgd", "lars"}, adams = {"adam", "adamw", "lamb"};
  return {
      Option(group, "optimizer", "NAME", "sgd, adam, adamw, lars or lamb", &Config::optimizer)
          .one_of({"sgd", "adam", "adamw", "lars", "lamb"}),
      Option(group, "lr", "X", "learning rate; with a schedule the highest", &Config::lr).above(0),
      Option(group, "momentum", "X", "of sgd and lars", &Config::momentum)
          .from(0)
          .below(1)
          .only_with(by, moving),
      Option(group, "nesterov", "on|off", "Nesterov's momentum, of sgd and lars", &Config::nesterov)
          .only_with(by, moving),
      Option(group, "beta1", "X", "how slowly the mean of gradients moves: adam, adamw, lamb",
             &Config::beta1)
          .from(0)
          .below(1)
          .only_with(by, adams),
      Option(group, "beta2", "X", "the same for their squares", &Config::beta2)
          .from(0)
          .below(1)
          .only_with(by, adams),
      Option(group, "epsilon", "X",
             "added to the root of the squares, at least 1e-30; 0: 1e-8 for adam and adamw, 1e-6 "
             "for lamb",
             &Config::epsilon)
          .from(0)
          .only_with(by, adams),
      Option(group, "weight-decay", "X", "pull of the weights towards 0", &Config::weight_decay)
          .from(0),
      Option(group, "decay", "WHAT",
             "what weight decay pulls at, and what lars and lamb adapt: all, or weights, which "
             "leaves out biases and normalisations (rank 1)",
             &Config::decay)
          .one_of({"all", "weights"}),
      Option(group, "lars-eta", "X", "trust coefficient of lars", &Config::lars_eta)
          .above(0)
          .only_with(by, {"lars"}),
  };
}

std::vector<Option> schedule_options() {
  const std::string group = "Schedule (a LENGTH is in epochs, as 5 or 0.5, or as 500steps)";
  const std::string by = "schedule";
  const std::vector<std::string> falling = {"step", "multistep"}, smooth = {"polynomial", "cosine"};
  return {
      Option(group, "schedule", "KIND",
             "of the learning rate: constant, step, multistep, polynomial or cosine, which arrive "
             "when --epochs are over",
             &Config::schedule)
          .one_of({"constant", "step", "multistep", "polynomial", "cosine"}),
      {group, "warmup", "LENGTH",
       "the learning rate rises to --lr in a line for so long; polynomial and cosine begin when it "
       "is over, step and multistep count from the first step of the run",
       &Config::warmup},
      Option(group, "warmup-start", "X", "the learning rate that it rises from",
             &Config::warmup_start)
          .from(0),
      Option(group, "step-every", "LENGTH",
             "--schedule step falls by gamma so often, counted from the first step of the run, "
             "also while --warmup lasts",
             &Config::step_every)
          .only_with(by, {"step"}),
      Option(group, "milestones", "LENGTH,...",
             "--schedule multistep falls by gamma at each, counted from the first step of the run, "
             "also while --warmup lasts",
             &Config::milestones)
          .only_with(by, {"multistep"}),
      Option(group, "gamma", "X", "the factor of step and multistep", &Config::gamma)
          .above(0)
          .up_to(1)
          .only_with(by, falling),
      Option(group, "power", "X", "of polynomial", &Config::power)
          .above(0)
          .only_with(by, {"polynomial"}),
      Option(group, "final-lr", "X", "where polynomial and cosine arrive", &Config::final_lr)
          .from(0)
          .only_with(by, smooth),
  };
}

std::vector<Option> regularisation_options() {
  const std::string group = "Loss and regularisation";
  return {
      Option(group, "label-smoothing", "X", "share of all labels in each training label",
             &Config::label_smoothing)
          .from(0)
          .below(1),
      Option(group, "clip-value", "X", "elements of the gradient to at most +-X; 0: not clipped",
             &Config::clip_value)
          .from(0),
      Option(group, "clip-norm", "X",
             "the gradient of all parameters to a norm of at most X, after --clip-value; 0: not "
             "clipped",
             &Config::clip_norm)
          .from(0),
      Option(group, "ema", "X",
             "evaluate with an exponential moving average of weights and statistics: how slowly it "
             "moves, such as 0.999; 0: none",
             &Config::ema)
          .from(0)
          .below(1),
  };
}

std::vector<Option> folder_options() {
  const std::string group = "Run folder";
  return {
      Option(group, "out", "DIR",
             "where metrics, logs and checkpoints go; without it runs/RECIPE or runs/MODEL",
             &Config::out)
          .path()
          .not_stored(),
      Option(group, "resume", "DIR", "go on with this run, from its newest valid checkpoint",
             &Config::resume)
          .path()
          .not_stored(),
      Option(group, "from", "STEP",
             "with --resume: go on from the checkpoint of this step, or from this checkpoint file; "
             "later ones of the run are set aside",
             &Config::from)
          .path()
          .not_stored(),
      Option(group, "save-every", "N", "steps between checkpoints; 0: at the end of each epoch",
             &Config::save_every)
          .up_to(kMost),
      Option(group, "keep", "N", "how many checkpoints stay", &Config::keep).from(1).up_to(1e6),
      Option(group, "eval-every", "N", "steps between evaluations; 0: at the end of each epoch",
             &Config::eval_every)
          .up_to(kMost),
      Option(group, "log-every", "N", "steps between log lines; 0: none", &Config::log_every)
          .up_to(kMost),
  };
}

std::vector<Option> other_options() {
  return {
      Option("Machine", "device", "KIND",
             "what computes: cpu, cuda (a GPU for each rank), or auto: GPUs if there are any",
             &Config::device)
          .one_of({"auto", "cpu", "cuda"}),
      Option("Machine", "comm", "KIND",
             "how gradients travel between GPUs: nccl, or mpi, through the host's memory, by which "
             "ranks may share a GPU; auto is nccl",
             &Config::comm)
          .one_of({"auto", "nccl", "mpi"})
          .only_with("device", {"auto", "cuda"}),
      Option("Machine", "deterministic", "on|off",
             "on GPUs only kernels that give the same bits in every run; on CPUs all do",
             &Config::deterministic)
          .only_with("device", {"auto", "cuda"}),
      Option("Machine", "cuda-graph", "KIND",
             "auto: on GPUs, training steps are recorded once and replayed, where nothing in them "
             "passes through the host; off: never",
             &Config::cuda_graph)
          .one_of({"auto", "off"})
          .only_with("device", {"auto", "cuda"}),
      Option("Machine", "threads", "N", "threads per rank that compute; 0: chosen from the cores",
             &Config::threads)
          .up_to(1024),
      Option("Machine", "loader-threads", "N", "threads per rank that load data",
             &Config::loader_threads)
          .from(1)
          .up_to(data::Loader::kMostThreads),
      Option("Machine", "time", "N",
             "do so many steps instead of a run and say where their time goes, layer by layer; 0: "
             "train",
             &Config::time)
          .up_to(1e9)
          .not_stored(),
      Option("Other", "progress", "FORM",
             "how far a run is: bar, redrawn at the bottom of a terminal; lines, one every half a "
             "minute; off; or auto: a bar where the job's output is known to end on a terminal, or "
             "else lines",
             &Config::progress)
          .one_of({"auto", "bar", "lines", "off"})
          .not_stored()
          .per_rank(),
      Option("Other", "task", "NAME",
             "an experiment of the book instead of a training: attention-regression", &Config::task)
          .not_stored(),
      Option("Other", "run-id", "ID", "tells the run from others", &Config::run_id).of_the_run(),
      Option("Other", "config", "FILE",
             "options as `name = value` lines; flags win over them. In paths ~/, $NAME and ${NAME} "
             "are replaced",
             &Config::config)
          .path()
          .not_stored()
          .per_rank(),
  };
}

template <class Number>
std::string number_text(Number number) {
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  return std::string(buffer, end);
}

template <class Number>
Number parse_number(const std::string& label, const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, number);
  if (result.ec == std::errc() && result.ptr == end) return number;
  const bool out_of_range = result.ec == std::errc::result_out_of_range && result.ptr == end;
  if (out_of_range && std::is_floating_point_v<Number>)
    usage(label, " expects 0 or a number from 1e-307 to 1e308, found ", text);
  const char* expected = std::is_floating_point_v<Number> ? "a number"
                         : std::is_unsigned_v<Number>     ? "a whole number of at least 0"
                                                          : "a whole number";
  if (out_of_range)
    usage(label, " expects ", expected, " of at most ", 8 * sizeof(Number), " bits, found ", text);
  usage(label, " expects ", expected, ", found '", text, "'");
}

bool parse_switch(const std::string& label, const std::string& text) {
  if (text != "on" && text != "off") usage(label, " expects on or off, found '", text, "'");
  return text == "on";
}

}  // namespace

const std::vector<Option>& options() {
  static const std::vector<Option> kTable = [] {
    std::vector<Option> table;
    for (auto& group :
         {model_options(), image_options(), training_options(), optimizer_options(),
          schedule_options(), regularisation_options(), folder_options(), other_options()})
      table.insert(table.end(), group.begin(), group.end());
    return table;
  }();
  return kTable;
}

const Option* find_option(const std::string& name) {
  for (const Option& option : options())
    if (option.name == name) return &option;
  return nullptr;
}

const Option& option_named(const std::string& name) { return *find_option(name); }

std::string text_of(const Config& config, const Option& option) {
  return std::visit(
      [&](auto member) -> std::string {
        using Value = std::decay_t<decltype(config.*member)>;
        if constexpr (std::is_same_v<Value, std::string>)
          return config.*member;
        else if constexpr (std::is_same_v<Value, bool>)
          return config.*member ? "on" : "off";
        else
          return number_text(config.*member);
      },
      option.member);
}

void set(Config& config, const Option& option, const std::string& label, const std::string& text) {
  std::visit(
      [&](auto member) {
        using Value = std::decay_t<decltype(config.*member)>;
        if constexpr (std::is_same_v<Value, std::string>)
          config.*member = text;
        else if constexpr (std::is_same_v<Value, bool>)
          config.*member = parse_switch(label, text);
        else
          config.*member = parse_number<Value>(label, text);
      },
      option.member);
}

void copy(Config& to, const Config& from, const Option& option) {
  std::visit([&](auto member) { to.*member = from.*member; }, option.member);
}

}  // namespace d2l::launcher
