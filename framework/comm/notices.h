#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace d2l {

// Passes lines on to a function in a thread of its own, so that whoever has something to tell never
// waits: the function may write to a file system that hangs.
class Notices {
 public:
  struct Line {
    std::string text;
    bool is_warning = false;
  };
  using Tell = std::function<void(const Line& line)>;

  Notices();
  ~Notices();  // tells what is left
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;

  void add(Line line);
  // From now on; waits for a line that is being told. nullptr: warnings go to standard error.
  void set_tell(Tell tell);

 private:
  void run();

  std::mutex telling_;  // guards tell_, and is held during its calls
  Tell tell_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Line> lines_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace d2l
