#include <iostream>

#include "data/packing/decoded_set.h"
#include "framework/base/error.h"
#include "framework/base/text.h"
#include "launcher/data_tool/commands.h"
#include "launcher/data_tool/facts.h"
#include "launcher/data_tool/table_text.h"

namespace d2l::data_tool {
namespace {

namespace po = boost::program_options;
using namespace d2l::data;

constexpr const char* kUsage =
    "Usage: d2l-data verify [--decode] PATH...\n"
    "\n"
    "Reads shards completely and compares their checksums. Stops at the first damaged shard. With\n"
    "--decode, decodes every image too, and names all broken ones.\n"
    "PATH is a shard, a packed table, or a folder of shards or tables. A folder must contain all\n"
    "shards of a split, and its splits the same classes or columns.\n"
    "\n";

// Decodes a shard. Prints the broken images, and returns their number.
size_t decode_all(const ShardFile& shard, int threads) {
  const DecodedShard found = decode_shard(shard, threads, [] {});
  for (const std::string& broken : found.broken)
    std::cerr << "d2l-data: broken image: " << visible(broken) << "\n";
  const std::optional<PixelSums>& stored = shard.sums();
  check(!found.broken.empty() || !stored ||
            (stored->pixels == found.sums.pixels && stored->values == found.sums.values &&
             stored->squares == found.sums.squares),
        shard.path().string(), ": the stored sums of the pixels are not those of the images");
  return found.broken.size();
}

// Reads the tables of both splits, or of one. Returns whether there are any.
bool verify_tables(const std::filesystem::path& path) {
  std::string form;
  const std::vector<std::filesystem::path> files = table_files(path);
  for (const std::filesystem::path& file : files) {
    const PackedTable table = read_table(file);
    check(file.filename() == packed_table_name(table.split), file.string(), ": expected ",
          packed_table_name(table.split), ", the name for its split");
    check(form.empty() || form == table.form.text(), file.string(),
          ": expected columns of the form in ", files[0].string(), ", found another form");
    form = table.form.text();
    std::cout << file.string() << ": ok, " << with_thousands(table.rows.rows())
              << (table.rows.rows() == 1 ? " row" : " rows") << "\n";
  }
  return !files.empty();
}

}  // namespace

void verify(const Words& words) {
  OptionList options = option_list();
  auto add = options.add_options();
  add("decode", po::bool_switch(), "decode every image");
  add("threads", po::value<int>()->value_name("N"),
      "threads for decoding (default: the cores that this process may use)");
  add("help,h", "show this help and exit");
  const OptionValues values = parse(options, words, "path");
  if (values.count("help") != 0) {
    print_help(kUsage, options);
    return;
  }
  const bool decodes = values["decode"].as<bool>();
  const int threads = threads_option(values);
  int64_t images = 0;
  size_t broken = 0;
  for (const std::string& path : required_paths(values, "verify")) {
    if (verify_tables(path)) continue;
    const std::vector<std::vector<ShardFile>> sets = open_sets(path);
    if (sets.size() == 2) check_class_names(sets[0][0].info().dataset, sets[1][0].info().dataset);
    for (const std::vector<ShardFile>& set : sets) {
      for (const ShardFile& shard : set) {
        shard.verify();
        const size_t here = decodes ? decode_all(shard, threads) : 0;
        if (here == 0)
          std::cout << shard.path().string() << ": ok, " << with_thousands(shard.info().samples)
                    << (shard.info().samples == 1 ? " sample" : " samples")
                    << (decodes ? ", all decoded" : "") << "\n";
        images += shard.info().samples;
        broken += here;
      }
    }
  }
  check(broken == 0, with_thousands(static_cast<int64_t>(broken)), " of ", with_thousands(images),
        broken == 1 ? " images is broken" : " images are broken");
}

}  // namespace d2l::data_tool
