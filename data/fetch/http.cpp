#include "data/fetch/http.h"

#include <curl/curl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "framework/base/error.h"
#include "framework/base/files.h"
#include "framework/base/text.h"

namespace d2l::data {

namespace {

using Kind = HttpOutcome::Kind;

constexpr long kOk = 200, kPartialContent = 206, kRangeNotSatisfiable = 416;
constexpr long kSlowest = 1000;  // bytes per second
constexpr long kMostRedirects = 10;
constexpr long kBufferBytes = 256 * 1024;

// The state of one transfer, which the callbacks of libcurl fill.
struct Transfer {
  const HttpRequest& request;
  int descriptor;
  CURL* curl;
  uint64_t have;            // bytes in the file
  int64_t range_begin = 0;  // from the header Content-Range
  bool begun = false;
  bool stopped = false;
  int write_error = 0;
  HttpOutcome refusal;  // set if the answer is not usable
};

template <class Value>
void set(CURL* curl, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(curl, option, value);
  check(code == CURLE_OK, "libcurl does not support option ", static_cast<int>(option), ": ",
        curl_easy_strerror(code));
}

long status_of(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// Looks at the answer before its first byte is written. Returns false if it is not usable.
bool begin_body(Transfer& transfer) {
  transfer.begun = true;
  if (transfer.have > 0 && status_of(transfer.curl) == kOk) {  // it ignores the range
    if (::ftruncate(transfer.descriptor, 0) != 0) transfer.write_error = errno;
    transfer.have = 0;
  } else if (transfer.have > 0 && transfer.range_begin != static_cast<int64_t>(transfer.have)) {
    transfer.refusal = {Kind::range_refused,
                        concat("expected the bytes from ", transfer.have, ", the server sent those",
                               " from ", transfer.range_begin)};
    return false;
  }
  if (::lseek(transfer.descriptor, static_cast<off_t>(transfer.have), SEEK_SET) < 0)
    transfer.write_error = errno;
  curl_off_t coming = -1;
  curl_easy_getinfo(transfer.curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &coming);
  const uint64_t total = transfer.have + static_cast<uint64_t>(coming);
  if (coming >= 0 && total != transfer.request.bytes)
    transfer.refusal = {Kind::refused,
                        concat("expected a file of ", with_thousands(transfer.request.bytes),
                               " bytes, the server has ", with_thousands(total))};
  return coming < 0 || total == transfer.request.bytes;
}

size_t on_header(const char* text, size_t, size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  constexpr std::string_view kRange = "content-range: bytes ";
  const std::string line(text, count);
  if (line.starts_with("HTTP/")) transfer.range_begin = 0;
  if (::strncasecmp(line.c_str(), kRange.data(), kRange.size()) == 0)
    transfer.range_begin = std::strtoll(line.c_str() + kRange.size(), nullptr, 10);
  return count;
}

// libcurl ends the transfer if the result is not `count`.
size_t on_body(const char* bytes, size_t, size_t count, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (!transfer.begun && !begin_body(transfer)) return 0;
  if (transfer.write_error != 0) return 0;
  if (count > transfer.request.bytes - transfer.have) {
    transfer.refusal = {Kind::refused,
                        concat("expected a file of ", with_thousands(transfer.request.bytes),
                               " bytes, the server sends more")};
    return 0;
  }
  transfer.write_error = write_all(transfer.descriptor, bytes, count);
  if (transfer.write_error != 0) return 0;
  transfer.have += count;
  return count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.stopped = transfer.stopped || !transfer.request.go_on(transfer.have);
  return transfer.stopped ? 1 : 0;
}

bool is_file(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

// A file with trusted certificates if it must be named: the library may come from a distribution
// that keeps it at another path than this machine.
std::string certificates() {
  const char* wanted = std::getenv("SSL_CERT_FILE");
  if (wanted != nullptr && *wanted != '\0') return wanted;
  const char* built_in = curl_version_info(CURLVERSION_NOW)->cainfo;
  if (built_in != nullptr && is_file(built_in)) return "";
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt",  // Debian, Arch, Alpine
                           "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, Red Hat
                           "/etc/ssl/ca-bundle.pem",              // SUSE
                           "/etc/ssl/cert.pem"})
    if (is_file(path)) return path;
  return "";
}

void set_options(Transfer& transfer, char* error_text) {
  CURL* curl = transfer.curl;
  const HttpRequest& request = transfer.request;
  curl_easy_reset(curl);
  set(curl, CURLOPT_URL, request.url.c_str());
  const bool secure = ::strncasecmp(request.url.c_str(), "https:", 6) == 0;
  set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  set(curl, CURLOPT_FOLLOWLOCATION, 1L);
  set(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  set(curl, CURLOPT_USERAGENT, "d2l-data");
  set(curl, CURLOPT_FAILONERROR, 1L);
  set(curl, CURLOPT_NOSIGNAL, 1L);
  set(curl, CURLOPT_BUFFERSIZE, kBufferBytes);
  set(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect.count()));
  set(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  set(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall.count()));
  const std::string trusted = certificates();
  if (!trusted.empty()) set(curl, CURLOPT_CAINFO, trusted.c_str());
  // Not CURLOPT_RESUME_FROM: it fails if the server starts from the beginning.
  if (transfer.have > 0) set(curl, CURLOPT_RANGE, concat(transfer.have, "-").c_str());
  set(curl, CURLOPT_ERRORBUFFER, error_text);
  set(curl, CURLOPT_HEADERFUNCTION, on_header);
  set(curl, CURLOPT_HEADERDATA, &transfer);
  set(curl, CURLOPT_WRITEFUNCTION, on_body);
  set(curl, CURLOPT_WRITEDATA, &transfer);
  set(curl, CURLOPT_NOPROGRESS, 0L);
  set(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  set(curl, CURLOPT_XFERINFODATA, &transfer);
}

HttpOutcome http_error(long status, uint64_t have) {
  const std::string reason = concat("the server answered with HTTP status ", status);
  if (status == kRangeNotSatisfiable && have > 0) return {Kind::range_refused, reason};
  const bool may_pass = status == 408 || status == 429 || status >= 500;
  return {may_pass ? Kind::failed : Kind::refused, reason};
}

HttpOutcome outcome_of(const Transfer& transfer, CURLcode code, const std::string& text) {
  if (transfer.stopped) return {Kind::stopped, "stopped"};
  if (!transfer.refusal.reason.empty()) return transfer.refusal;
  switch (code) {
    case CURLE_OK:
      if (transfer.have == transfer.request.bytes) return {};
      return {Kind::failed, concat("the server sent ", with_thousands(transfer.have), " of ",
                                   with_thousands(transfer.request.bytes), " bytes")};
    case CURLE_HTTP_RETURNED_ERROR:
      return http_error(status_of(transfer.curl), transfer.have);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return {Kind::refused, "the certificate of the server is not trusted: " + text};
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return {Kind::failed, text};
    default:
      return {Kind::refused, text};
  }
}

}  // namespace

struct HttpClient::Handle {
  CURL* curl = nullptr;
};

HttpClient::HttpClient() : handle_(std::make_unique<Handle>()) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  check(kReady == CURLE_OK, "cannot start libcurl: ", curl_easy_strerror(kReady));
  handle_->curl = curl_easy_init();
  check(handle_->curl != nullptr, "cannot start libcurl");
}

HttpClient::~HttpClient() { curl_easy_cleanup(handle_->curl); }

HttpOutcome HttpClient::continue_file(const HttpRequest& request, int descriptor,
                                      const std::string& name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_with(errno, "cannot read " + name);
  Transfer transfer{.request = request,
                    .descriptor = descriptor,
                    .curl = handle_->curl,
                    .have = static_cast<uint64_t>(status.st_size),
                    .refusal = {}};
  check(transfer.have < request.bytes, name, ": expected fewer than ", request.bytes,
        " bytes, found ", transfer.have);
  std::array<char, CURL_ERROR_SIZE> text{};
  set_options(transfer, text.data());
  const CURLcode code = curl_easy_perform(transfer.curl);
  curl_easy_setopt(transfer.curl, CURLOPT_ERRORBUFFER, nullptr);
  if (transfer.write_error != 0) fail_with(transfer.write_error, "cannot write " + name);
  return outcome_of(transfer, code, text[0] != '\0' ? text.data() : curl_easy_strerror(code));
}

std::string public_url(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t host = scheme + 3, end = url.find('/', host), at = url.rfind('@', end);
  if (at == std::string::npos || at < host) return url;
  return url.substr(0, host) + url.substr(at + 1);
}

}  // namespace d2l::data
