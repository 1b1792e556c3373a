#include "data/packing/pack.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <thread>

#include "data/catalog.h"
#include "data/packing/open_source.h"
#include "framework/base/error.h"
#include "framework/base/text.h"
#include "framework/comm/launch_environment.h"
#include "framework/comm/mpi_session.h"
#include "launcher/data_tool/commands.h"
#include "launcher/data_tool/pack_progress.h"
#include "launcher/data_tool/pack_table.h"

namespace d2l::data_tool {
namespace {

namespace po = boost::program_options;
using namespace d2l::data;

volatile std::sig_atomic_t interrupted = 0;

constexpr const char* kUsage =
    "Usage: d2l-data pack --from SOURCE --out DIR [--OPTION VALUE]...\n"
    "       d2l-data pack --from FILE.csv --target COLUMN --out DIR [--OPTION VALUE]...\n"
    "\n"
    "Packs images into HDF5 shards: all splits (train and test) that the source has. SOURCE is one "
    "of\n"
    "  a folder     with one folder of JPEG, PNG or WebP files for each class, or with folders "
    "train\n"
    "               and test (or val) that contain the folders of the classes\n"
    "  an archive   of such a folder: .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.zst, .zip\n"
    "  a list       a text file with a path and a label on each line, or a CSV file\n"
    "  a dataset    its name, or a folder with its original files or with shards\n"
    "With --target, packs a table: a CSV file with a row for each sample.\n"
    "\n"
    "Examples:\n"
    "  d2l-data pack --from photos --valid 0.1 --out shards/photos\n"
    "  d2l-data pack --from train.csv --test-from test.csv --out shards/pets\n"
    "  mpirun -n 8 d2l-data pack --from imagenet.tar --resize 256 --out shards/imagenet\n"
    "  d2l-data pack --from mnist --data-dir data --out shards/mnist\n"
    "  d2l-data pack --from iris.csv --target species --valid 0.2 --out tables/iris\n";

OptionList common_options() {
  OptionList options = option_list();
  auto add = options.add_options();
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  add("from", text("SOURCE"),
      ("what to pack: the path of a folder, archive, list or table; the name of a dataset: " +
       join(dataset_names(), ", ") +
       "; or idx: other files in --data-dir that have the format and the names of the MNIST files")
          .c_str());
  add("test-from", text("FILE"),
      "a second list or table, for the split test; --from is then the split train");
  add("out", text("DIR"), "output folder; created if it does not exist");
  add("split", text("train|test"), "pack only this split (default: all that the source has)");
  add("valid", po::value<double>()->value_name("PART"),
      "for sources without a split test: this part of each class, or of the rows of a table whose "
      "targets are numbers, becomes the split test, for example 0.1; chosen at random");
  add("seed", po::value<int64_t>()->value_name("N")->default_value(0, ""),
      "for --valid and --order random: the same seed and names give the same choice (default 0)");
  add("order", text("source|random")->default_value("source", ""),
      "order of the samples. source: by class and name, or as in the list or table. random: "
      "mixed, so that neighbouring samples have different classes (default source)");
  add("limit", po::value<int64_t>()->value_name("N"),
      "pack only the first N samples of each split, in the order of --order; with random, these "
      "are of all classes (default: all)");
  add("name", text("NAME"),
      "name of the dataset, stored with the data (default: the original name; for tables: the "
      "name of the output folder)");
  add("source", text("TEXT"), "origin of the data, stored with them");
  add("licence", text("TEXT"), "licence of the data, stored with them");
  add("help,h", "show this help and exit");
  return options;
}

OptionList image_options() {
  OptionList options = option_list("Options for images");
  auto add = options.add_options();
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  add("data-dir", text("DIR")->default_value(".", ""),
      "folder that contains the files of a dataset with a name, directly or in a subfolder with "
      "the name of the dataset (default .)");
  add("on-bad-image", text("fail|skip")->default_value("fail", ""),
      "what to do with a broken image. fail: end with an error that names it. skip: name it, and "
      "leave it out (default fail)");
  add("resize", text("N|HxW"),
      "resize each image. N: the shorter side to N pixels, the other one in proportion. HxW: to "
      "this height and width. A resized image of a file is stored as JPEG of quality 95");
  add("store", text("bytes|pixels")->default_value("bytes", ""),
      "bytes: store the original file of each image that is not resized. pixels: store decoded "
      "images, which need more space but no decoding during the training (default bytes)");
  add("index-rows", po::bool_switch(),
      "rewrite JPEG files without loss of any pixel, so that random crops are decoded faster "
      "during "
      "the training; the files become larger");
  add("channels", po::value<int>()->value_name("1|3"),
      "channels of the images for the network: 1 (grey) or 3 (colour). Default: 3, or 1 if all "
      "images are grey");
  add("shards", po::value<int>()->value_name("N"),
      "number of shards of each split; each shard is one file (default: shards of about 256 MiB)");
  add("deflate", po::value<int>()->value_name("N")->default_value(0, ""),
      "compression level, from 0 (none) to 9; useful for pixels (default 0)");
  add("threads", po::value<int>()->value_name("N"),
      "threads of each process for decoding (default: the process's share of the cores)");
  return options;
}

// Throws UsageError for an option for images with a table, and the reverse.
void check_groups(const OptionValues& values) {
  const bool is_table = values.count("target") != 0;
  const OptionList others = is_table ? image_options() : table_options();
  for (const auto& option : others.options()) {
    const std::string& name = option->long_name();
    if (values.count(name) == 0 || values[name].defaulted()) continue;
    throw UsageError(is_table ? concat("--", name, " is for images, but --target says that --from ",
                                       "is a table")
                              : concat("--", name, " is for tables, which need --target COLUMN"));
  }
}

SourceRequest source_request(const OptionValues& values) {
  SourceRequest request;
  request.from = required_path(values, "from");
  request.data_dir = required_path(values, "data-dir");
  request.test_from = optional_path(values, "test-from");
  request.split = split_option(values);
  return request;
}

SelectionOptions selection_options(const OptionValues& values) {
  SelectionOptions selection;
  selection.split = split_option(values);
  selection.seed = seed_option(values);
  const std::string order = values["order"].as<std::string>();
  check_word("order", order, {"source", "random"});
  selection.order = order == "random" ? ItemOrder::random : ItemOrder::source;
  if (values.count("valid") != 0) {
    selection.valid = values["valid"].as<double>();
    if (!(selection.valid > 0 && selection.valid < 1))
      throw UsageError(
          concat("--valid: expected a number between 0 and 1, found ", selection.valid));
  }
  if (values.count("limit") != 0) {
    selection.limit = values["limit"].as<int64_t>();
    check_range("limit", selection.limit, 1, INT64_MAX);
  }
  return selection;
}

PackOptions pack_options(const OptionValues& values) {
  PackOptions options;
  options.out = required_path(values, "out");
  options.selection = selection_options(values);
  const std::string bad = values["on-bad-image"].as<std::string>();
  check_word("on-bad-image", bad, {"fail", "skip"});
  options.skip_bad_images = bad == "skip";
  if (values.count("resize") != 0) options.form.set_resize(values["resize"].as<std::string>());
  const std::string store = values["store"].as<std::string>();
  check_word("store", store, {"bytes", "pixels"});
  options.form.as_pixels = store == "pixels";
  options.form.index_rows = values["index-rows"].as<bool>();
  if (options.form.index_rows && options.form.as_pixels)
    throw UsageError("--index-rows has no effect with --store pixels");
  options.channels = value_or(values, "channels", 0);
  if (values.count("channels") != 0 && options.channels != 1 && options.channels != 3)
    throw UsageError(concat("--channels: expected 1 or 3, found ", options.channels));
  options.shards = value_or(values, "shards", 0);
  if (values.count("shards") != 0) check_range("shards", options.shards, 1, 99999);
  options.deflate = values["deflate"].as<int>();
  check_range("deflate", options.deflate, 0, 9);
  options.name = value_or(values, "name", std::string());
  options.source = value_or(values, "source", std::string());
  options.licence = value_or(values, "licence", std::string());
  return options;
}

TableRequest table_request(const OptionValues& values) {
  TableRequest request;
  request.from = required_path(values, "from");
  request.out = required_path(values, "out");
  request.test_from = optional_path(values, "test-from");
  request.selection = selection_options(values);
  request.name = value_or(values, "name", name_from_path(request.out));
  request.source = value_or(values, "source", std::string());
  request.licence = value_or(values, "licence", std::string());
  read_table_options(values, request);
  return request;
}

void say(const std::string& kind, const std::string& text) {
  std::cerr << concat("d2l-data: ", kind, ": ", visible(text), "\n");
}

void print_result(const PackOptions& options, const std::string& name,
                  const std::vector<PackedSplit>& splits) {
  for (const PackedSplit& split : splits) {
    std::cout << "packed " << with_thousands(split.images)
              << (split.images == 1 ? " sample of " : " samples of ") << name << " ("
              << to_string(split.split) << ") into " << split.shards << " shard"
              << (split.shards == 1 ? "" : "s") << " in " << options.out.string() << ", "
              << human_bytes(split.bytes) << "\n";
    if (split.left_out > 0)
      std::cout << with_thousands(split.left_out) << " of "
                << with_thousands(split.images + split.left_out) << " images ("
                << to_string(split.split)
                << (split.left_out == 1 ? ") was left out\n" : ") were left out\n");
  }
  std::cout.flush();
  check(std::cout.good(), "cannot write to standard output");
}

void check_stopped() { check(interrupted == 0, "interrupted"); }

// The work of one process.
void pack_with(const PackTeam& team, const SourceRequest& request, const PackOptions& options) {
  const bool first = team.rank == 0;
  const std::unique_ptr<PackSource> source = open_source(team, request);
  const SourceContent& content = source->content();
  if (first)
    for (const std::string& note : content.notes) say("note", note);
  if (first && content.test.empty() && !request.split && options.selection.valid == 0)
    say("note", "the source has no split test, which d2l-train needs: --valid 0.1 makes one");
  PackProgress progress;
  PackHooks hooks;
  hooks.warn = [&](const std::string& line) {
    progress.clear();
    say("warning", line);
  };
  hooks.progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  hooks.check_stopped = check_stopped;
  const std::vector<PackedSplit> splits = data::pack(team, *source, options, hooks);
  progress.clear();
  if (first) print_result(options, options.name.empty() ? content.info.name : options.name, splits);
}

int report(const std::string& message, int exit_code) {
  std::cout.flush();
  std::cerr << concat("d2l-data: error: ", message,
                      exit_code == 2 ? " (d2l-data --help shows the usage)\n" : "\n");
  return exit_code;
}

// What one process does, with `threads`.
using ProcessWork = std::function<void(const PackTeam& team, int threads)>;

// The work that the options want. Throws UsageError.
ProcessWork wanted_work(const OptionValues& values) {
  check_groups(values);
  if (values.count("target") != 0)
    return [request = table_request(values)](const PackTeam& team, int) {
      pack_table(team, request, {say, check_stopped});
    };
  return [request = source_request(values), options = pack_options(values)](const PackTeam& team,
                                                                            int threads) mutable {
    options.threads = request.threads = threads;
    pack_with(team, request, options);
  };
}

// The work of one process of an MPI job.
int pack_in_job(const ProcessWork& work, const OptionValues& values, int argc, char** argv) {
  MpiSession session(&argc, &argv);
  PackTeam team;
  team.rank = session.rank();
  team.size = session.size();
  team.gather = [&](const std::string& mine) { return session.gather(mine); };
  std::string message;
  int exit_code = 1;
  try {
    const std::string line = join(Words(argv + 1, argv + argc), " ");
    for (const std::string& other : session.gather(line))
      check(other == line, "expected the same options on all processes, found '", line, "' and '",
            other, "'");
    work(team, threads_option(values, session.local_size()));
    return 0;
  } catch (const JobError& error) {
    return session.rank() == 0 ? report(error.what(), error.exit_code()) : error.exit_code();
  } catch (const UsageError& error) {
    message = error.what();
    exit_code = 2;
  } catch (const std::exception& error) {
    message = error.what();
  }
  // Usually all processes have the same error, and the first one ends the job.
  std::this_thread::sleep_for(std::chrono::milliseconds(100 * std::min(session.rank(), 20)));
  report(message, exit_code);
  if (session.size() > 1) session.abort(exit_code);
  return exit_code;
}

}  // namespace

int pack(const Words& words, int argc, char** argv) {
  const LaunchEnvironment launch = LaunchEnvironment::read(&std::getenv);
  try {
    OptionList options = option_list("");
    options.add(common_options()).add(image_options()).add(table_options());
    const OptionValues values = parse(options, words, nullptr);
    if (values.count("help") != 0) {
      if (launch.is_reporting_rank) print_help(kUsage, options);
      return 0;
    }
    const ProcessWork work = wanted_work(values);
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    if (launch.under_mpi) return pack_in_job(work, values, argc, argv);
    check(launch.unconnected_tasks <= 1, launch.unconnected_message());
    work(PackTeam(), threads_option(values));
    return 0;
  } catch (const UsageError& error) {
    return launch.is_reporting_rank ? report(error.what(), 2) : 2;
  } catch (const std::exception& error) {
    return launch.is_reporting_rank ? report(error.what(), 1) : 1;
  }
}

}  // namespace d2l::data_tool
