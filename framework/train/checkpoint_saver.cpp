#include "framework/train/checkpoint_saver.h"

#include "framework/base/error.h"
#include "framework/base/timer.h"

namespace d2l {

double CheckpointSaver::confirm() {
  if (!held_) return 0;
  const Timer timer;
  begun_ = held_->step;
  store_->save(held_->step, std::move(held_->snapshot), held_->best);
  held_.reset();
  return timer.seconds();
}

std::string CheckpointSaver::resume_hint() const {
  if (store_ == nullptr) return "";
  store_->wait();
  const std::vector<int64_t> steps = CheckpointStore::steps(store_->folder());
  if (steps.empty()) return "; no checkpoint was saved before";
  const std::string run = store_->folder().parent_path().string();
  return concat("; continue from the last good checkpoint, step ", steps.back(), ", with --resume ",
                run, " and other options, or from an earlier one with --from STEP");
}

}  // namespace d2l
