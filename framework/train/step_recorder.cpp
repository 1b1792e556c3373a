#include "framework/train/step_recorder.h"

#include "framework/base/error.h"

namespace d2l {

void StepRecorder::run(const Key& key, const std::function<void()>& work) {
  if (!wanted_) return work();
  const PoolPart part = shared_memory();
  Seen& seen = seen_[key];
  if (seen.recording == nullptr && ++seen.calls > kWarmUp && recordings_ < kMostRecordings)
    record(seen, work);
  if (seen.recording == nullptr || !seen.recording->replay()) call(work);
}

// What the work keeps of the part's memory would be overwritten by the recordings that there are.
void StepRecorder::call(const std::function<void()>& work) {
  work();
  if (recordings_ > 0 && backend_.pool().bytes_in_use(kPart) > kept_bytes_) forget();
}

void StepRecorder::record(Seen& seen, const std::function<void()>& work) {
  try {
    seen.recording = backend_.record(work);
  } catch (const Error& error) {
    log_.warn("steps are not recorded: ", error.what());
  }
  if (seen.recording == nullptr) {
    wanted_ = false;
    return;
  }
  if (recordings_++ == 0) log_.note("steps are replayed as ", seen.recording->describe());
  kept_bytes_ = backend_.pool().bytes_in_use(kPart);
}

void StepRecorder::forget() {
  for (auto& [key, seen] : seen_) seen = {};
  recordings_ = 0;
}

}  // namespace d2l
