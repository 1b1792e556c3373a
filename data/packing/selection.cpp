#include "data/packing/selection.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "framework/base/error.h"
#include "framework/base/rng.h"

namespace d2l::data {
namespace {

using Items = std::vector<PackItem>;

// A random number for an item.
uint64_t draw_for(const PackItem& item, uint64_t seed, const char* purpose) {
  const uint64_t stream = item.name.empty()
                              ? mix(stream_of(purpose), static_cast<uint64_t>(item.id))
                              : mix(stream_of(purpose), stream_of(item.name));
  const Random4 random = philox({seed, stream}, 0);
  return uint64_t{random.word[0]} << 32 | random.word[1];
}

// The positions of the items, by their draws.
std::vector<size_t> in_order_of_draws(const Items& items, const std::vector<size_t>& positions,
                                      uint64_t seed, const char* purpose) {
  std::vector<std::pair<uint64_t, size_t>> drawn;
  drawn.reserve(positions.size());
  for (const size_t at : positions) drawn.emplace_back(draw_for(items[at], seed, purpose), at);
  std::sort(drawn.begin(), drawn.end());
  std::vector<size_t> order;
  order.reserve(drawn.size());
  for (const auto& [draw, at] : drawn) order.push_back(at);
  return order;
}

// Moves a random part of each class from `train` to `test`.
void split_off(Selection& all, int64_t classes, const SelectionOptions& options) {
  std::vector<std::vector<size_t>> of_class(static_cast<size_t>(classes));
  for (size_t i = 0; i < all.train.size(); ++i)
    of_class[static_cast<size_t>(all.train[i].label)].push_back(i);
  std::vector<bool> moves(all.train.size());
  for (const std::vector<size_t>& positions : of_class) {
    const auto count = std::llround(options.valid * static_cast<double>(positions.size()));
    const auto order = in_order_of_draws(all.train, positions, options.seed, "validation");
    for (int64_t i = 0; i < count; ++i) moves[order[static_cast<size_t>(i)]] = true;
  }
  Items stays;
  for (size_t i = 0; i < all.train.size(); ++i)
    (moves[i] ? all.test : stays).push_back(std::move(all.train[i]));
  all.train = std::move(stays);
  check(!all.train.empty() && !all.test.empty(), "--valid ", options.valid,
        ": expected samples in ", "both splits, found ", all.train.size(), " in train and ",
        all.test.size(), " in test");
}

void shuffle(Items& items, uint64_t seed) {
  std::vector<size_t> positions(items.size());
  std::iota(positions.begin(), positions.end(), size_t{0});
  Items shuffled;
  shuffled.reserve(items.size());
  for (const size_t at : in_order_of_draws(items, positions, seed, "order"))
    shuffled.push_back(std::move(items[at]));
  items = std::move(shuffled);
}

void check_limit(const Selection& all, int64_t limit) {
  const auto most = static_cast<int64_t>(std::max(all.train.size(), all.test.size()));
  if (limit > most)
    throw UsageError(concat("--limit: expected at most ", most, ", the number of samples in the ",
                            "larger split, found ", limit));
}

}  // namespace

Selection select_items(const SourceContent& content, const SelectionOptions& options) {
  Selection all{content.train, content.test};
  if (options.valid > 0) {
    if (!all.test.empty()) throw UsageError("--valid: the source has a split test already");
    split_off(all, content.info.classes, options);
  }
  for (const Split split : {Split::train, Split::test}) {
    Items& items = split == Split::train ? all.train : all.test;
    if (options.split && *options.split != split) items.clear();
    if (options.order == ItemOrder::random) shuffle(items, options.seed);
  }
  if (options.split && all.items(*options.split).empty())
    throw UsageError(
        concat("--split ", to_string(*options.split), ": the source has only the ", "split ",
               to_string(*options.split == Split::train ? Split::test : Split::train)));
  if (options.limit > 0) {
    check_limit(all, options.limit);
    for (Items* items : {&all.train, &all.test})
      if (static_cast<int64_t>(items->size()) > options.limit)
        items->resize(static_cast<size_t>(options.limit));
  }
  return all;
}

Shape packed_shape(const SourceContent& content, ImageForm& form, int64_t channels) {
  const bool is_known = content.info.shape.rank() == 3;
  int64_t height = 0, width = 0;
  bool differs = is_known && !content.info.has_one_size(), has_colour = false;
  for (const Items* items : {&content.train, &content.test}) {
    for (const PackItem& item : *items) {
      if (item.height == 0) continue;  // a broken image
      has_colour |= item.channels > 1;
      const Shape size = form.size_of(item.height, item.width);
      differs |= height > 0 && (size[0] != height || size[1] != width);
      height = size[0];
      width = size[1];
    }
  }
  if (form.height > 0) {
    height = form.height;
    width = form.width;
    differs = false;
  }
  form.channels = channels > 0 ? channels : is_known ? content.info.shape[2] : has_colour ? 3 : 1;
  return differs ? Shape{0, 0, form.channels} : Shape{height, width, form.channels};
}

}  // namespace d2l::data
