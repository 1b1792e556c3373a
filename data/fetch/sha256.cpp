#include "data/fetch/sha256.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "framework/base/error.h"
#include "framework/base/files.h"

namespace d2l::data {

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  check(state_->context && EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1,
        "OpenSSL cannot compute SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::add(const void* bytes, size_t count) {
  check(EVP_DigestUpdate(state_->context.get(), bytes, count) == 1,
        "OpenSSL cannot compute SHA-256");
}

std::string Sha256::digest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int count = 0;
  check(EVP_DigestFinal_ex(state_->context.get(), raw.data(), &count) == 1,
        "OpenSSL cannot compute SHA-256");
  std::string text;
  for (unsigned int i = 0; i < count; ++i) {
    text += "0123456789abcdef"[raw[i] >> 4];
    text += "0123456789abcdef"[raw[i] & 15];
  }
  return text;
}

std::string sha256_of(const std::filesystem::path& path) {
  const int descriptor = open_regular_file(path, O_RDONLY);
  Sha256 sha256;
  std::vector<char> block(size_t{1} << 20);
  ssize_t count = 0;
  int error = 0;
  while ((count = ::read(descriptor, block.data(), block.size())) != 0) {
    error = count < 0 ? errno : 0;
    if (error == EINTR) continue;
    if (error != 0) break;
    sha256.add(block.data(), static_cast<size_t>(count));
  }
  ::close(descriptor);
  if (error != 0) fail_with(error, concat("cannot read ", path.string()));
  return sha256.digest();
}

}  // namespace d2l::data
