#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "framework/checkpoint/store.h"

namespace d2l {

// Saves only what is known to be sound: a checkpoint waits here until the state in it has been
// evaluated, or the next step has found a finite loss with it. On ranks without a store it does
// nothing.
class CheckpointSaver {
 public:
  void use(CheckpointStore* store) { store_ = store; }
  bool has_store() const { return store_ != nullptr; }

  void hold(Snapshot snapshot, int64_t step, bool best) {
    held_ = {std::move(snapshot), step, best};
  }
  // The state of the checkpoint that is held, if there is one, is sound. Answers the seconds that
  // this took; the file itself is written in the background.
  double confirm();
  // A later step than that of the checkpoint had a finite loss.
  double confirm_before(int64_t step) { return held_ && step > held_->step ? confirm() : 0; }

  // Waits for what is being written; whether the last save succeeded.
  bool wait() { return store_ == nullptr || store_->wait(); }
  // For messages about a run that cannot continue as it is: where it can start again. Waits for
  // what is being written. "" without a store.
  std::string resume_hint() const;

 private:
  struct Held {
    Snapshot snapshot;
    int64_t step = 0;
    bool best = false;
  };

  CheckpointStore* store_ = nullptr;
  std::optional<Held> held_;
};

}  // namespace d2l
