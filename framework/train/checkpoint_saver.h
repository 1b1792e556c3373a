#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "framework/checkpoint/store.h"

namespace d2l {

// Delays each checkpoint until its state is known to be sound: until the state has been evaluated,
// or the next step has found a finite loss with it. Does nothing on ranks without a store.
class CheckpointSaver {
 public:
  void use(CheckpointStore* store) { store_ = store; }
  bool has_store() const { return store_ != nullptr; }

  void hold(Snapshot snapshot, int64_t step, bool best) {
    held_ = {std::move(snapshot), step, best};
  }
  // The state of the held checkpoint, if any, is sound: starts saving it in the background. Returns
  // the seconds that the caller spent.
  double confirm();
  // Step number `step` had a finite loss: confirms the held checkpoint if its step is earlier.
  double confirm_before(int64_t step) { return held_ && step > held_->step ? confirm() : 0; }

  // Waits for the current save if it is of this step.
  void wait_for(int64_t step) {
    if (step == begun_) wait();
  }
  // Waits for the current save. Returns whether the last save succeeded.
  bool wait() { return store_ == nullptr || store_->wait(); }
  // The end of an error message that ends a run: from which checkpoint the run can be resumed.
  // Waits for the current save. "" without a store.
  std::string resume_hint() const;

 private:
  struct Held {
    Snapshot snapshot;
    int64_t step = 0;
    bool best = false;
  };

  CheckpointStore* store_ = nullptr;
  std::optional<Held> held_;
  int64_t begun_ = -1;  // step of the last save
};

}  // namespace d2l
