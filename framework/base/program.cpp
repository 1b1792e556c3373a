#include "framework/base/program.h"

#include <elf.h>
#include <link.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "framework/base/checksum.h"
#include "framework/base/files.h"
#include "framework/base/timer.h"

namespace d2l {
namespace {

std::string hexadecimal(const uint8_t* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

// The build id from the notes of one segment; empty if there is none.
std::string build_id(const uint8_t* at, const uint8_t* end) {
  const auto padded = [](size_t bytes) { return (bytes + 3) / 4 * 4; };
  while (static_cast<size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof note);
    const uint8_t* name = at + sizeof note;
    const uint8_t* content = name + padded(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
      return hexadecimal(content, note.n_descsz);
    at = content + padded(note.n_descsz);
  }
  return "";
}

// dl_iterate_phdr reports the program first.
int read_program(dl_phdr_info* info, size_t, void* result) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // the loader gives addresses as numbers
    const auto* begin = reinterpret_cast<const uint8_t*>(  // NOLINT(performance-no-int-to-ptr)
        info->dlpi_addr + segment.p_vaddr);
    const std::string id = build_id(begin, begin + segment.p_memsz);
    if (!id.empty()) *static_cast<std::string*>(result) = id;
  }
  return 1;
}

const Timer kStart;

}  // namespace

std::string program_name() { return program_invocation_short_name; }

bool asks_for_version(int argc, const char* const* argv) {
  for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i)
    if (std::strcmp(argv[i], "--version") == 0) return true;
  return false;
}

std::string version_text() { return program_name() + " " D2L_VERSION "\n"; }

std::string program_id() {
  std::string id;
  dl_iterate_phdr(read_program, &id);
  if (!id.empty()) return id;
  const std::vector<uint8_t> file = read_bytes("/proc/self/exe");
  return checksum_text(checksum(file.data(), file.size()));
}

double seconds_since_start() { return kStart.seconds(); }

}  // namespace d2l
