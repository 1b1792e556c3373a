#pragma once

#include <iterator>
#include <memory>

#include "data/loading/loader.h"
#include "framework/tensor/default_backend.h"
#include "framework/tensor/feed.h"

namespace d2l::data {

// The samples of a dataset in mini-batches on default_backend(), for a training loop of one's own:
//
//     Batches train(open_dataset("fashion-mnist", folder, Split::train), {.batch_size = 256});
//     for (const auto& [x, y] : train.epoch(2)) ...
//
// x: f32 [n, ...], for images [n, h, w, c] from 0 to 1; y: labels i64 [n], or numbers f32 [n]. Both
// are valid until the next batch. Images are read, resized and augmented by threads.
class Batches {
 public:
  struct Options {
    int64_t batch_size = 256;
    uint64_t seed = 0;  // of the order and of augmentation
    Order order = Order::shuffled;
    Pipeline pipeline = {};  // Pipeline::parse("resize 96, flip 0.5")
    Normalisation normalisation = {};
    int threads = 1;  // that read
    // With several ranks, each gets its part of every batch.
    int rank = 0, ranks = 1;
  };
  struct Item {
    Tensor inputs, targets;
  };

  // Throws Error for invalid options.
  Batches(const std::shared_ptr<const Dataset>& dataset, const Options& options);
  explicit Batches(const std::shared_ptr<const Dataset>& dataset) : Batches(dataset, Options{}) {}

  const Dataset& dataset() const { return loader_.dataset(); }
  int64_t samples() const { return loader_.samples(); }
  int64_t size() const { return loader_.steps_per_epoch(); }  // batches of an epoch
  // Samples of the current batch, on all ranks.
  int64_t global_batch() const { return batch_.global_size; }

  // Goes through the batches once. Its steps throw Error if the data cannot be read.
  class Iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    Iterator(Batches& batches, int64_t left);
    const Item& operator*() const { return item_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return left_ == 0; }

   private:
    Batches* batches_;
    int64_t left_;
    Item item_ = {};
  };
  class Epoch {
   public:
    explicit Epoch(Batches& batches) : batches_(batches) {}
    Iterator begin() const { return {batches_, batches_.size()}; }
    std::default_sentinel_t end() const { return {}; }

   private:
    Batches& batches_;
  };
  // From its first batch. Number `number`, from 0, determines the order and the augmentation.
  Epoch epoch(int64_t number);

 private:
  Item next();

  Loader loader_;
  Feed feed_;
  Batch batch_;  // the feed may use its memory
};

}  // namespace d2l::data
