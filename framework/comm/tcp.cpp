#include "framework/comm/tcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "framework/base/error.h"
#include "framework/base/timer.h"

namespace d2l {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};

// Without elements if the text is no numeric address.
Address parse(const std::string& text, int port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.bytes);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.bytes);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address.size = sizeof *v6;
  }
  return address;
}

// "" for addresses that other hosts cannot use.
std::string text_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
      inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  }
  return text;
}

void set(const Socket& socket, int level, int option, int value) {
  ::setsockopt(socket.get(), level, option, &value, sizeof value);
}

// The numbers of those sockets that become writable within `seconds`, at least one; none on
// timeout.
std::vector<size_t> ready_to_write(const std::vector<Socket>& sockets, double seconds) {
  std::vector<pollfd> wanted;
  wanted.reserve(sockets.size());
  for (const Socket& socket : sockets) wanted.push_back({socket.get(), POLLOUT, 0});
  std::vector<size_t> ready;
  if (::poll(wanted.data(), wanted.size(), static_cast<int>(seconds * 1e3)) > 0)
    for (size_t i = 0; i < wanted.size(); ++i)
      if (wanted[i].revents != 0) ready.push_back(i);
  return ready;
}

// What has become of its connection: 0 or an errno.
int error_of(const Socket& socket) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

void Socket::close() {
  if (is_open()) ::close(std::exchange(descriptor_, -1));
}

std::vector<std::string> own_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::vector<std::string> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const bool usable = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_LOOPBACK) == 0;
    const std::string text = usable && entry->ifa_addr ? text_of(entry->ifa_addr) : "";
    if (!text.empty()) found.push_back(text);
  }
  ::freeifaddrs(list);
  std::stable_partition(found.begin(), found.end(), [](const std::string& address) {
    return address.find(':') == std::string::npos;
  });
  return found;
}

Listener listen_on_free_port() {
  constexpr int kWaiting = 4096;
  // Also takes IPv4 connections; hosts without IPv6 need the second attempt.
  for (const int family : {AF_INET6, AF_INET}) {
    Socket socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) continue;
    if (family == AF_INET6) set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    Address any = parse(family == AF_INET6 ? "::" : "0.0.0.0", 0);
    if (::bind(socket.get(), any.get(), any.size) != 0) continue;
    if (::listen(socket.get(), kWaiting) != 0) continue;
    if (::getsockname(socket.get(), any.get(), &any.size) != 0) continue;
    const uint16_t port = family == AF_INET6
                              ? reinterpret_cast<sockaddr_in6*>(&any.bytes)->sin6_port
                              : reinterpret_cast<sockaddr_in*>(&any.bytes)->sin_port;
    return {std::move(socket), ntohs(port)};
  }
  fail("cannot listen on a TCP port: ", std::strerror(errno));
}

Socket accept_from(const Socket& listener) {
  Socket socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.is_open()) set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  return socket;
}

Socket connect_to(const std::vector<std::string>& addresses, int port, double seconds) {
  std::vector<Socket> waiting;
  for (const std::string& address : addresses) {
    Address to = parse(address, port);
    if (to.size == 0) continue;
    Socket socket(::socket(to.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) continue;
    set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    if (::connect(socket.get(), to.get(), to.size) == 0) return socket;
    if (errno == EINPROGRESS) waiting.push_back(std::move(socket));
  }
  for (const Timer timer; !waiting.empty() && timer.seconds() < seconds;) {
    for (const size_t i : ready_to_write(waiting, seconds - timer.seconds()))
      if (error_of(waiting[i]) == 0)
        return std::move(waiting[i]);
      else
        waiting[i].close();
    std::erase_if(waiting, [](const Socket& socket) { return !socket.is_open(); });
  }
  return {};
}

}  // namespace d2l
