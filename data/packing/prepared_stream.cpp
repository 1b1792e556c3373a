#include "data/packing/prepared_stream.h"

#include <exception>
#include <utility>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr size_t kGroupJobs = 32;
constexpr uint64_t kGroupBytes = uint64_t{256} << 10;
constexpr uint64_t kMostWaitingBytes = uint64_t{128} << 20;

}  // namespace

PreparedStream::PreparedStream(const ImageForm& form, int threads, Result result)
    : form_(form), result_(std::move(result)), filling_(std::make_shared<Group>()) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

PreparedStream::~PreparedStream() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void PreparedStream::put(size_t position, const Sample& sample) {
  add({position, sample.encoding, sample.shape, {sample.bytes.begin(), sample.bytes.end()}});
}

void PreparedStream::put_error(size_t position, const std::string& error) {
  Job job;
  job.position = position;
  job.error = error;
  add(std::move(job));
}

void PreparedStream::flush() {
  start_group();
  while (!started_.empty()) finish_first();
}

void PreparedStream::add(Job job) {
  filling_->bytes += job.bytes.size();
  filling_->jobs.push_back(std::move(job));
  if (filling_->jobs.size() >= kGroupJobs || filling_->bytes >= kGroupBytes) start_group();
  while (started_.size() > 4 * threads_.size() ||
         (started_bytes_ > kMostWaitingBytes && started_.size() > 1))
    finish_first();
}

void PreparedStream::start_group() {
  if (filling_->jobs.empty()) return;
  started_.push_back(filling_);
  started_bytes_ += filling_->bytes;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::exchange(filling_, std::make_shared<Group>()));
  }
  work_.notify_one();
}

void PreparedStream::finish_first() {
  const std::shared_ptr<Group> group = started_.front();
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return group->done; });
  }
  started_.pop_front();
  started_bytes_ -= group->bytes;
  for (Job& job : group->jobs) result_(job.position, job.image, job.error);
}

void PreparedStream::work() {
  ImagePreparer preparer(form_);
  while (true) {
    std::shared_ptr<Group> group;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      group = std::move(waiting_.front());
      waiting_.pop_front();
    }
    for (Job& job : group->jobs) {
      if (!job.error.empty()) continue;
      try {
        job.image = preparer.prepare(job.encoding, job.shape, std::move(job.bytes));
      } catch (const std::exception& error) {
        job.error = error.what();
      }
    }
    {
      const std::lock_guard lock(mutex_);
      group->done = true;
    }
    done_.notify_one();
  }
}

}  // namespace d2l::data
