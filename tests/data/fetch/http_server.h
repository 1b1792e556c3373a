#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace d2l::data::test {

// How the server answers one request. Without changes: the file, or the range of it that is wanted.
struct HttpReply {
  int status = 0;                        // anything else than 200 and 206, with an empty body
  std::string location = {};             // of a redirect
  std::optional<size_t> cut_after = {};  // closes the connection after so many bytes of the body
  bool stall = false;                    // does not close it then, but sends nothing more
  bool whole = false;                    // ignores the wanted range
  bool without_length = false;           // the end of the connection is the end of the body
  std::optional<std::string> body = {};  // instead of the file
  int64_t claimed_begin = -1;            // of the range, in Content-Range
  size_t bytes_per_s = 0;                // 0: as fast as possible
};

// An HTTP server on 127.0.0.1 that answers one request after another, in a thread of its own.
class HttpServer {
 public:
  // With `certificate`, a file to write, the server uses TLS with a new certificate for 127.0.0.1
  // that nobody has signed, and writes it there.
  explicit HttpServer(const std::filesystem::path& certificate = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const;  // with "/" at the end
  void put(const std::string& name, const std::string& content);
  // The next requests for `name` get these replies, in turn; those after them get the file.
  void answer(const std::string& name, const std::vector<HttpReply>& replies);
  // Requests so far: "name", or "name from 100" if a range was wanted.
  std::vector<std::string> requests() const;

 private:
  struct Connection;
  struct Tls;

  void serve();
  void serve_one(Connection& connection);
  void send_body(Connection& connection, const HttpReply& reply, const std::string& body);

  int listener_ = -1;
  int port_ = 0;
  std::unique_ptr<Tls> tls_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::deque<HttpReply>> replies_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace d2l::data::test
