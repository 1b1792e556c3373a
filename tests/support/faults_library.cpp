// A library that tests preload (LD_PRELOAD, see faults.h) to test programs with system calls that
// would fail only on other file systems and machines. $D2L_FAULTS lists them: words such as
// "flock=ENOLCK", separated by spaces. If $D2L_FAULTS_WHILE names a file, calls fail only while it
// exists.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace {

struct Name {
  const char* text;
  int error;
};
constexpr Name kErrors[] = {{"EAGAIN", EAGAIN}, {"EINVAL", EINVAL}, {"EIO", EIO},
                            {"ENOLCK", ENOLCK}, {"ENOSYS", ENOSYS}, {"EOPNOTSUPP", EOPNOTSUPP},
                            {"EPERM", EPERM}};

// The error number of the call; 0 if it does not fail.
int fault_of(const char* call) {
  const char* faults = std::getenv("D2L_FAULTS");
  const char* condition = std::getenv("D2L_FAULTS_WHILE");
  if (faults == nullptr || (condition != nullptr && ::access(condition, F_OK) != 0)) return 0;
  const std::string all = std::string(" ") + faults + " ";
  for (const Name& name : kErrors)
    if (all.find(std::string(" ") + call + "=" + name.text + " ") != std::string::npos)
      return name.error;
  return 0;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int fail_with(int error) {
  errno = error;
  return -1;
}

}  // namespace

extern "C" {

int flock(int descriptor, int operation) {
  const int error = fault_of("flock");
  return error != 0 ? fail_with(error) : real<int(int, int)>("flock")(descriptor, operation);
}

// Called "fsync_folder" for a folder and "fsync_file" for a file.
int fsync(int descriptor) {
  struct stat status {};
  const bool folder = ::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
  const int error = fault_of(folder ? "fsync_folder" : "fsync_file");
  return error != 0 ? fail_with(error) : real<int(int)>("fsync")(descriptor);
}

int link(const char* from, const char* to) {
  const int error = fault_of("link");
  return error != 0 ? fail_with(error) : real<int(const char*, const char*)>("link")(from, to);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  const int error = fault_of("pthread_create");
  return error != 0 ? error
                    : real<decltype(pthread_create)>("pthread_create")(thread, attributes, start,
                                                                       argument);
}

}  // extern "C"
