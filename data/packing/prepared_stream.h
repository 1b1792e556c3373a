#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "data/packing/image_form.h"

namespace d2l::data {

// Prepares images on several threads and returns them in the order in which they were put in.
// put() and flush() are called by one thread, which also gets the results.
class PreparedStream {
 public:
  // `position`: as given to put(). If the image is broken, `error` says why and `image` is empty.
  using Result =
      std::function<void(size_t position, PreparedImage& image, const std::string& error)>;

  PreparedStream(const ImageForm& form, int threads, Result result);
  ~PreparedStream();
  PreparedStream(const PreparedStream&) = delete;
  PreparedStream& operator=(const PreparedStream&) = delete;

  // Copies the image. Waits, and calls `result` for earlier images, if there are many of them.
  void put(size_t position, const Sample& sample);
  // An image that could not be read.
  void put_error(size_t position, const std::string& error);
  // Calls `result` for all images that were put in.
  void flush();

 private:
  struct Job {
    size_t position = 0;
    Encoding encoding = Encoding::pixels;
    Shape shape;
    std::vector<uint8_t> bytes;
    PreparedImage image{};
    std::string error{};
  };
  // Small images travel in groups, because handing over costs time.
  struct Group {
    std::vector<Job> jobs;
    uint64_t bytes = 0;
    bool done = false;
  };

  void add(Job job);
  void start_group();
  void finish_first();
  void work();

  ImageForm form_;
  Result result_;
  std::shared_ptr<Group> filling_;
  std::deque<std::shared_ptr<Group>> started_;  // in order of positions; used by the caller only
  uint64_t started_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<std::shared_ptr<Group>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace d2l::data
