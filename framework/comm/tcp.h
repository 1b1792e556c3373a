#pragma once

#include <string>
#include <utility>
#include <vector>

namespace d2l {

// A file descriptor, closed at destruction.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket() { close(); }

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  void close();

 private:
  int descriptor_ = -1;
};

// The numeric addresses at which other hosts may reach this one, IPv4 first.
std::vector<std::string> own_addresses();

// Listens on a free port of all interfaces. Throws Error.
struct Listener {
  Socket socket;
  int port = 0;
};
Listener listen_on_free_port();

// A connection that was waiting; closed if there is none. Reads and writes do not block.
Socket accept_from(const Socket& listener);

// Connects to the first of these numeric addresses that answers; they are tried side by side.
// Closed if none answers within `seconds`. Reads and writes do not block.
Socket connect_to(const std::vector<std::string>& addresses, int port, double seconds);

}  // namespace d2l
