#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace d2l::data {

// What to download, and when to give up.
struct HttpRequest {
  std::string url;     // http:// or https://
  uint64_t bytes = 0;  // the size that the whole file must have
  // A server that sends less than 1,000 bytes a second for so long has stalled. Whole seconds.
  std::chrono::seconds stall{30};
  std::chrono::seconds connect{20};
  // Called at least once a second, with the bytes that the file has now. Returning false stops the
  // transfer.
  std::function<bool(uint64_t have)> go_on = [](uint64_t) { return true; };
};

// How a transfer ended.
struct HttpOutcome {
  enum class Kind {
    complete,       // the file has all its bytes
    failed,         // this may pass: a timeout, a lost connection, HTTP 5xx
    refused,        // the server does not have the file, or cannot be trusted or reached
    range_refused,  // the server cannot continue at the end of the file that is there
    stopped,        // go_on returned false
  };
  Kind kind = Kind::complete;
  std::string reason;  // one line, if it is not complete
};

// Downloads files with libcurl. Redirects are followed, from https only to https. Proxies come from
// the environment (http_proxy, https_proxy, no_proxy). The certificates that count as trusted are
// those of $SSL_CERT_FILE, or else of the system. Keeps connections open between transfers. Not
// thread-safe.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Continues the file `descriptor` at its end, if it has fewer than request.bytes, and adds bytes
  // until it has all. The file never grows larger. If the server starts from the beginning, so does
  // the file. Throws Error that begins with "cannot write `name`" if the file cannot be written.
  HttpOutcome continue_file(const HttpRequest& request, int descriptor, const std::string& name);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

// The URL without a user name and password, for messages.
std::string public_url(const std::string& url);

}  // namespace d2l::data
