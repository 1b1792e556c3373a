#include "framework/train/step_recorder.h"

#include "framework/base/error.h"

namespace d2l {

void StepRecorder::run(const Key& key, const std::function<void()>& work) {
  // An observer has to see each kernel.
  if (!wanted_ || backend_.is_observed()) return work();
  const PoolPart part = shared_memory();
  Seen& seen = seen_[key];
  if (seen.recording == nullptr && ++seen.calls > kWarmUp && recordings_ < kMostRecordings)
    record(seen, work);
  if (seen.recording != nullptr) return seen.recording->replay();
  call(seen, work);
}

// If new work keeps memory of kPart, replays of the existing recordings would overwrite it.
void StepRecorder::call(const Seen& seen, const std::function<void()>& work) {
  work();
  if (recordings_ == 0 || seen.calls > kWarmUp) return;
  const bool keeps_nothing = backend_.pool().bytes_in_use(kPart) <= kept_bytes_;
  if (!holds_on_all_ranks(keeps_nothing)) forget();
}

void StepRecorder::record(Seen& seen, const std::function<void()>& work) {
  backend_.pool().hold_part(kPart, true);
  try {
    seen.recording = backend_.record(work);
  } catch (const Error& error) {
    log_.warn("training steps are not captured for replay: ", error.what());
  }
  const bool here = seen.recording != nullptr;
  if (!holds_on_all_ranks(here)) {
    if (here)
      log_.info("training steps are not captured for replay: another rank cannot capture them");
    forget();
    wanted_ = false;
    return;
  }
  if (recordings_++ == 0) log_.note("training steps are replayed as ", seen.recording->describe());
  kept_bytes_ = backend_.pool().bytes_in_use(kPart);
}

bool StepRecorder::holds_on_all_ranks(bool here) {
  int64_t ranks_without = here ? 0 : 1;
  comm_.all_reduce({&ranks_without, DType::i64, Shape{1}});
  return ranks_without == 0;
}

void StepRecorder::forget() noexcept {
  for (auto& [key, seen] : seen_) seen = {};
  recordings_ = 0;
  backend_.pool().hold_part(kPart, false);
}

}  // namespace d2l
