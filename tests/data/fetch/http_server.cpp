#include "tests/data/fetch/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "framework/base/error.h"

namespace d2l::data::test {

namespace {

constexpr int kMoment = 50;  // milliseconds; after so long a waiting server looks whether to stop

bool is_ready(int descriptor, short events, int milliseconds) {
  pollfd one{descriptor, events, 0};
  return ::poll(&one, 1, milliseconds) > 0;
}

// A certificate for 127.0.0.1 that is signed by itself.
X509* make_certificate(EVP_PKEY* key) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("d2l test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* address =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, address, -1);
  X509_EXTENSION_free(address);
  X509_sign(certificate, key, EVP_sha256());
  return certificate;
}

}  // namespace

struct HttpServer::Tls {
  explicit Tls(const std::filesystem::path& file) : context(SSL_CTX_new(TLS_server_method())) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = make_certificate(key);
    check(SSL_CTX_use_certificate(context, certificate) == 1, "no certificate");
    check(SSL_CTX_use_PrivateKey(context, key) == 1, "no key");
    std::FILE* stream = std::fopen(file.c_str(), "w");
    check(stream != nullptr && PEM_write_X509(stream, certificate) == 1, "cannot write ",
          file.string());
    std::fclose(stream);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~Tls() { SSL_CTX_free(context); }
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  SSL_CTX* context;
};

struct HttpServer::Connection {
  Connection(int connected, SSL_CTX* context) : descriptor(connected) {
    if (context == nullptr) return;
    tls = SSL_new(context);
    SSL_set_fd(tls, descriptor);
    usable = SSL_accept(tls) == 1;
  }
  ~Connection() {
    if (tls != nullptr && usable) SSL_shutdown(tls);
    SSL_free(tls);
    ::close(descriptor);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The head of a request, with the empty line.
  std::string read_head() const {
    std::string head;
    char byte = 0;
    while (usable && !head.ends_with("\r\n\r\n")) {
      const auto count = tls != nullptr ? SSL_read(tls, &byte, 1) : ::recv(descriptor, &byte, 1, 0);
      if (count != 1) return "";
      head += byte;
    }
    return head;
  }
  bool send(const char* bytes, size_t count) const {
    while (count > 0) {
      const auto sent = tls != nullptr
                            ? SSL_write(tls, bytes, static_cast<int>(count))
                            : static_cast<int>(::send(descriptor, bytes, count, MSG_NOSIGNAL));
      if (sent <= 0) return false;
      bytes += sent;
      count -= static_cast<size_t>(sent);
    }
    return true;
  }
  bool send(const std::string& text) const { return send(text.data(), text.size()); }

  int descriptor;
  SSL* tls = nullptr;
  bool usable = true;
};

HttpServer::HttpServer(const std::filesystem::path& certificate)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      tls_(certificate.empty() ? nullptr : std::make_unique<Tls>(certificate)) {
  std::signal(SIGPIPE, SIG_IGN);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* general = reinterpret_cast<sockaddr*>(&address);
  check(::bind(listener_, general, size) == 0 && ::listen(listener_, 16) == 0 &&
            ::getsockname(listener_, general, &size) == 0,
        "cannot listen on 127.0.0.1");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

std::string HttpServer::url() const {
  return concat(tls_ ? "https" : "http", "://127.0.0.1:", port_, "/");
}

void HttpServer::put(const std::string& name, const std::string& content) {
  const std::lock_guard lock(mutex_);
  files_[name] = content;
}

void HttpServer::answer(const std::string& name, const std::vector<HttpReply>& replies) {
  const std::lock_guard lock(mutex_);
  replies_[name].assign(replies.begin(), replies.end());
}

std::vector<std::string> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::serve() {
  while (!stopping_) {
    if (!is_ready(listener_, POLLIN, kMoment)) continue;
    const int connected = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connected < 0) continue;
    const timeval patience{.tv_sec = 5, .tv_usec = 0};  // with a client that says nothing
    ::setsockopt(connected, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Connection connection(connected, tls_ ? tls_->context : nullptr);
    serve_one(connection);
  }
}

void HttpServer::serve_one(Connection& connection) {
  const std::string head = connection.read_head();
  if (!head.starts_with("GET /")) return;
  const std::string name = head.substr(5, head.find(' ', 5) - 5);
  const size_t range = head.find("Range: bytes=");
  const size_t begin = range == std::string::npos ? 0 : std::stoul(head.substr(range + 13));
  HttpReply reply;
  std::string body;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(range == std::string::npos ? name : concat(name, " from ", begin));
    auto& waiting = replies_[name];
    if (!waiting.empty()) {
      reply = waiting.front();
      waiting.pop_front();
    }
    if (files_.count(name) == 0 && !reply.body && reply.status == 0) reply.status = 404;
    body = reply.body.value_or(files_[name]);
  }
  const bool partial = range != std::string::npos && !reply.whole;
  if (reply.status == 0 && partial && begin >= body.size()) reply.status = 416;
  const int status = reply.status != 0 ? reply.status : partial ? 206 : 200;
  if (reply.status != 0) body.clear();
  if (status == 206) body.erase(0, begin);
  std::string answer = concat("HTTP/1.1 ", status, " -\r\nConnection: close\r\n");
  if (!reply.without_length) answer += concat("Content-Length: ", body.size(), "\r\n");
  if (!reply.location.empty()) answer += concat("Location: ", reply.location, "\r\n");
  const size_t claimed =
      reply.claimed_begin >= 0 ? static_cast<size_t>(reply.claimed_begin) : begin;
  if (status == 206)
    answer += concat("Content-Range: bytes ", claimed, "-", begin + body.size() - 1, "/",
                     begin + body.size(), "\r\n");
  if (connection.send(answer + "\r\n")) send_body(connection, reply, body);
}

void HttpServer::send_body(Connection& connection, const HttpReply& reply,
                           const std::string& body) {
  const size_t count = std::min(body.size(), reply.cut_after.value_or(body.size()));
  const size_t block = reply.bytes_per_s > 0 ? std::max<size_t>(reply.bytes_per_s / 50, 1) : count;
  for (size_t at = 0; at < count && !stopping_; at += block) {
    if (!connection.send(body.data() + at, std::min(block, count - at))) return;
    if (reply.bytes_per_s > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  // A client that gives up closes its connection, which makes it readable.
  while (reply.stall && !stopping_ && !is_ready(connection.descriptor, POLLIN, kMoment)) {
  }
}

}  // namespace d2l::data::test
