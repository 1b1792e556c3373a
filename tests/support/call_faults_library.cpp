// A library that tests preload (LD_PRELOAD, see call_faults.h). It counts the system calls of this
// process on files in one folder, and lets some of them fail by their number. The kernel hands over
// every such call (seccomp), whichever library makes it and however: glibc's own calls, which
// wrapper functions would miss, are among them.
//
//   D2L_CALLS_UNDER  the folder; a call belongs to it by its path or by the path of its file
//   D2L_CALLS_FAULT  "FIRST-LAST=EFFECT": what happens to these calls, counted from 1
//   D2L_CALLS_LOG    a file that gets one line for each call: "NUMBER NAME PATH"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// d2l_call(number, a, b, c, d, e, f) makes a system call that the filter below lets pass, since it
// comes from this address.
asm(R"(
  .text
  .globl d2l_call
  .globl d2l_call_made
d2l_call:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  mov 8(%rsp), %r9
  syscall
d2l_call_made:
  ret
)");

extern "C" {
long d2l_call(long number, long a, long b, long c, long d, long e, long f);
extern char d2l_call_made[];
}

namespace {

enum class Names { file, path, path_at };  // where the arguments name the file

struct Call {
  long number;
  const char* name;
  Names names;
};

constexpr Call kCalls[] = {{SYS_open, "open", Names::path},
                           {SYS_openat, "openat", Names::path_at},
                           {SYS_creat, "creat", Names::path},
                           {SYS_write, "write", Names::file},
                           {SYS_pwrite64, "pwrite", Names::file},
                           {SYS_writev, "writev", Names::file},
                           {SYS_pwritev, "pwritev", Names::file},
                           {SYS_fsync, "fsync", Names::file},
                           {SYS_fdatasync, "fdatasync", Names::file},
                           {SYS_rename, "rename", Names::path},
                           {SYS_renameat, "renameat", Names::path_at},
                           {SYS_renameat2, "renameat2", Names::path_at},
                           {SYS_link, "link", Names::path},
                           {SYS_linkat, "linkat", Names::path_at},
                           {SYS_unlink, "unlink", Names::path},
                           {SYS_unlinkat, "unlinkat", Names::path_at},
                           {SYS_rmdir, "rmdir", Names::path},
                           {SYS_mkdir, "mkdir", Names::path},
                           {SYS_mkdirat, "mkdirat", Names::path_at},
                           {SYS_ftruncate, "ftruncate", Names::file},
                           {SYS_fallocate, "fallocate", Names::file},
                           {SYS_lseek, "lseek", Names::file},
                           {SYS_close, "close", Names::file},
                           {SYS_stat, "stat", Names::path},
                           {SYS_fstat, "fstat", Names::file},
                           {SYS_newfstatat, "newfstatat", Names::path_at},
                           {SYS_statx, "statx", Names::path_at},
                           {SYS_getdents64, "getdents64", Names::file}};
constexpr size_t kCount = std::size(kCalls);

struct Error {
  const char* name;
  int number;
};
constexpr Error kErrors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},     {"EDQUOT", EDQUOT},
                             {"ESTALE", ESTALE}, {"EINTR", EINTR}, {"EROFS", EROFS}};

enum class Effect { none, error, error_after, short_write, kill };

char folder[4096];
size_t folder_length = 0;
long first = 0, last = -1;
Effect effect = Effect::none;
int error_number = 0;
int log_file = -1;
std::atomic<long> count{0};

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
  return d2l_call(number, a, b, c, d, 0, 0);
}

bool in_folder(const char* path) {
  if (std::strncmp(path, folder, folder_length) != 0) return false;
  return path[folder_length] == '\0' || path[folder_length] == '/';
}

// The path of an open file; "" if it has none.
void path_of_file(long file, char* path, size_t size) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%ld", file);
  const long length = call(SYS_readlink, reinterpret_cast<long>(link), reinterpret_cast<long>(path),
                           static_cast<long>(size) - 1);
  path[length < 0 ? 0 : length] = '\0';
}

void path_of(const Call& made, const greg_t* args, char* path, size_t size) {
  path[0] = '\0';
  const long file = args[REG_RDI];
  const char* named = nullptr;
  std::memcpy(&named, &args[made.names == Names::path ? REG_RDI : REG_RSI], sizeof named);
  if (made.names == Names::file) return path_of_file(file, path, size);
  if (named == nullptr) return;
  if (named[0] == '/' || made.names == Names::path || static_cast<int>(file) == AT_FDCWD) {
    std::snprintf(path, size, "%s", named);
    return;
  }
  path_of_file(static_cast<int>(file), path, size);
  const size_t length = std::strlen(path);
  if (named[0] != '\0') std::snprintf(path + length, size - length, "/%s", named);
}

void log_call(long number, const char* name, const char* path) {
  if (log_file < 0) return;
  char line[4400];
  const int length = std::snprintf(line, sizeof line, "%ld %s %s\n", number, name, path);
  call(SYS_write, log_file, reinterpret_cast<long>(line), length);
}

long make(const Call& made, const greg_t* args) {
  return d2l_call(made.number, args[REG_RDI], args[REG_RSI], args[REG_RDX], args[REG_R10],
                  args[REG_R8], args[REG_R9]);
}

long result_of(const Call& made, const greg_t* args) {
  char path[4200];
  path_of(made, args, path, sizeof path);
  if (!in_folder(path)) return make(made, args);
  const long number = ++count;
  log_call(number, made.name, path);
  if (number < first || number > last) return make(made, args);
  switch (effect) {
    case Effect::none:
      break;
    case Effect::error:
      if (made.number == SYS_close) make(made, args);  // Linux closes the file in any case
      return -error_number;
    case Effect::error_after: {
      const long result = make(made, args);
      return result < 0 ? result : -error_number;
    }
    case Effect::short_write:
      if (made.number != SYS_write || args[REG_RDX] < 2) break;
      return call(SYS_write, args[REG_RDI], args[REG_RSI], args[REG_RDX] / 2);
    case Effect::kill:
      call(SYS_kill, call(SYS_getpid), SIGKILL);
      break;
  }
  return make(made, args);
}

void on_call(int, siginfo_t* info, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  for (const Call& made : kCalls)
    if (made.number == info->si_syscall) {
      registers[REG_RAX] = result_of(made, registers);
      return;
    }
}

// "3-5=EIO"; "EIO-after": the call is made, and fails all the same.
bool read_fault(const char* text) {
  char word[32];
  if (std::sscanf(text, "%ld-%ld=%31s", &first, &last, word) != 3) return false;
  if (std::strcmp(word, "short") == 0) return effect = Effect::short_write, true;
  if (std::strcmp(word, "kill") == 0) return effect = Effect::kill, true;
  for (const Error& error : kErrors) {
    const size_t length = std::strlen(error.name);
    if (std::strncmp(word, error.name, length) != 0) continue;
    error_number = error.number;
    effect = word[length] == '\0' ? Effect::error : Effect::error_after;
    return true;
  }
  return false;
}

constexpr uint32_t word_of(size_t field, int half) {
  return static_cast<uint32_t>(field + 4 * static_cast<size_t>(half));
}

// The kernel sends SIGSYS for the calls of the table, unless d2l_call makes them.
bool install_filter() {
  constexpr uint32_t kFetch = BPF_LD | BPF_W | BPF_ABS, kEqual = BPF_JMP | BPF_JEQ | BPF_K,
                     kReturn = BPF_RET | BPF_K;
  const auto here = reinterpret_cast<uint64_t>(d2l_call_made);
  constexpr size_t kAddress = offsetof(seccomp_data, instruction_pointer);
  sock_filter filter[7 + kCount + 1];
  size_t at = 0;
  const auto add = [&](uint32_t code, uint32_t value, size_t if_true = 0, size_t if_false = 0) {
    filter[at++] = {static_cast<uint16_t>(code), static_cast<uint8_t>(if_true),
                    static_cast<uint8_t>(if_false), value};
  };
  add(kFetch, word_of(kAddress, 0));
  add(kEqual, static_cast<uint32_t>(here), 0, 2);
  add(kFetch, word_of(kAddress, 1));
  add(kEqual, static_cast<uint32_t>(here >> 32), 1 + kCount, 0);
  add(kFetch, offsetof(seccomp_data, nr));
  for (size_t i = 0; i < kCount; ++i)
    add(kEqual, static_cast<uint32_t>(kCalls[i].number), kCount - i, 0);
  add(kReturn, SECCOMP_RET_ALLOW);
  add(kReturn, SECCOMP_RET_TRAP);
  const sock_fprog program = {static_cast<unsigned short>(at), filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

[[noreturn]] void give_up(const char* reason) {
  std::fprintf(stderr, "the library of faults cannot work: %s\n", reason);
  std::_Exit(99);
}

__attribute__((constructor)) void begin() {
  const char* under = std::getenv("D2L_CALLS_UNDER");
  if (under == nullptr) return;
  std::snprintf(folder, sizeof folder, "%s", under);
  folder_length = std::strlen(folder);
  const char* fault = std::getenv("D2L_CALLS_FAULT");
  if (fault != nullptr && !read_fault(fault)) give_up(fault);
  if (const char* log = std::getenv("D2L_CALLS_LOG"))
    log_file = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  struct sigaction action {};
  action.sa_sigaction = on_call;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (::sigaction(SIGSYS, &action, nullptr) != 0 || !install_filter())
    give_up(std::strerror(errno));
}

}  // namespace
