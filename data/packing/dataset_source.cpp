#include "data/packing/dataset_source.h"

#include <algorithm>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

using Items = std::vector<PackItem>;

// An item's id is 2 index + split.
int64_t id_of(int64_t index, Split split) { return 2 * index + (split == Split::test ? 1 : 0); }

Items items_of(const Dataset& dataset, Split split) {
  Items items(static_cast<size_t>(dataset.samples()));
  const Shape& shape = dataset.shape();
  for (int64_t index = 0; index < dataset.samples(); ++index) {
    PackItem& item = items[static_cast<size_t>(index)];
    item.name = dataset.name_of(index);
    item.label = dataset.label(index);
    item.id = id_of(index, split);
    item.height = static_cast<int32_t>(shape[0]);
    item.width = static_cast<int32_t>(shape[1]);
    item.channels = static_cast<int32_t>(shape[2]);
  }
  return items;
}

SourceContent content_of(const Dataset* train, const Dataset* test) {
  SourceContent content;
  content.info = (train != nullptr ? train : test)->info();
  for (const Split split : {Split::train, Split::test}) {
    const Dataset* dataset = split == Split::train ? train : test;
    if (dataset == nullptr) continue;
    content.items(split) = items_of(*dataset, split);
    for (const std::string& remark : dataset->info().remarks)
      content.notes.push_back(concat(dataset->name(), ", ", to_string(split), ": ", remark));
  }
  if (train == nullptr || test == nullptr) return content;
  const Shape &a = train->shape(), &b = test->shape();
  check(a[2] == b[2], content.info.name, ": expected the same number of channels in both splits, ",
        "found ", a[2], " in train and ", b[2], " in test");
  check(train->classes() == test->classes(), content.info.name,
        ": expected the same classes in train and test, found ", train->classes(), " in train and ",
        test->classes(), " in test");
  check_class_names(train->info(), test->info());
  if (a != b) content.info.shape = {0, 0, a[2]};
  return content;
}

class DatasetSource final : public PackSource {
 public:
  DatasetSource(std::unique_ptr<Dataset> train, std::unique_ptr<Dataset> test)
      : PackSource(content_of(train.get(), test.get())),
        train_(std::move(train)),
        test_(std::move(test)) {}

  std::string place_of(const PackItem& item) const override {
    return (item.id % 2 == 0 ? *train_ : *test_).place_of(item.id / 2);
  }

  void visit(std::span<const PackItem> items, const Visitor& visitor,
             const Problem& problem) const override {
    // Datasets choose the order of a visit. So they are asked for a few items at a time, which are
    // then put into order.
    for (size_t begin = 0; begin < items.size();) {
      size_t end = begin;
      while (end < items.size() && end - begin < kItemsAtOnce &&
             items[end].id % 2 == items[begin].id % 2)
        ++end;
      visit_some(items.subspan(begin, end - begin), begin, visitor, problem);
      begin = end;
    }
  }

 private:
  static constexpr size_t kItemsAtOnce = 256;

  struct Copy {
    Sample sample;
    std::vector<uint8_t> bytes;
  };

  void visit_some(std::span<const PackItem> items, size_t first, const Visitor& visitor,
                  const Problem& problem) const {
    const Dataset& dataset = items[0].id % 2 == 0 ? *train_ : *test_;
    std::vector<int64_t> indices;
    for (const PackItem& item : items) indices.push_back(item.id / 2);
    std::vector<Copy> copies(items.size());
    dataset.visit(
        indices,
        [&](size_t position, const Sample& sample) {
          copies[position] = {sample, {sample.bytes.begin(), sample.bytes.end()}};
        },
        OnDamage::visit);
    for (size_t i = 0; i < copies.size(); ++i) {
      Copy& copy = copies[i];
      copy.sample.bytes = copy.bytes;
      if (copy.sample.damage.empty())
        visitor(first + i, copy.sample);
      else
        problem(first + i, copy.sample.damage);
    }
  }

  std::unique_ptr<Dataset> train_, test_;
};

}  // namespace

std::unique_ptr<PackSource> make_dataset_source(std::unique_ptr<Dataset> train,
                                                std::unique_ptr<Dataset> test) {
  return std::make_unique<DatasetSource>(std::move(train), std::move(test));
}

}  // namespace d2l::data
