#include "data/formats/libjpeg.h"

#include <jerror.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

namespace d2l::data {

struct JpegDecompressor::State {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  ErrorJump jump;
  size_t file_bytes = 0;
  Orientation orientation;
  bool has_orientation = false;
  int warnings = 0;

  State() = default;
  ~State() { jpeg_destroy_decompress(&info); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static State& of(j_common_ptr info) { return *static_cast<State*>(info->client_data); }
  static State& of(j_decompress_ptr info) { return *static_cast<State*>(info->client_data); }

  [[noreturn]] void raise() noexcept;
  [[noreturn]] void raise_damage() noexcept;
  [[noreturn]] void raise_truncated() noexcept;
  bool tolerates(int warning) const;
  boolean read_app1();
};

// Leaves with an error of the library in the words of this project.
void JpegDecompressor::State::raise() noexcept {
  char text[160];
  const int number = errors.msg_parm.i[0];
  switch (errors.msg_code) {
    case JERR_SOF_UNSUPPORTED:
      std::snprintf(text, sizeof text, "%s JPEG (frame type 0x%02x) is not supported",
                    number == 0xc3 || number == 0xcb ? "lossless" : "hierarchical", number);
      jump.raise(text);
    case JERR_BAD_PRECISION:
      std::snprintf(text, sizeof text, "JPEG with %d bits per sample is not supported (expected 8)",
                    number);
      jump.raise(text);
    case JERR_EMPTY_IMAGE:
      jump.raise("the JPEG file has no pixels: its header says a height or width of 0");
    default:
      raise_damage();
  }
}

void JpegDecompressor::State::raise_damage() noexcept {
  constexpr const char* kPrefix = "Corrupt JPEG data: ";
  char found[JMSG_LENGTH_MAX], text[JMSG_LENGTH_MAX + 160];
  errors.format_message(reinterpret_cast<j_common_ptr>(&info), found);
  const char* reason = std::strncmp(found, kPrefix, std::strlen(kPrefix)) == 0
                           ? found + std::strlen(kPrefix)
                           : found;
  if (info.input_scan_number == 0) {
    std::snprintf(text, sizeof text, "the JPEG file is damaged: %s", reason);
  } else {
    const unsigned row =
        std::min(info.input_iMCU_row * static_cast<unsigned>(info.max_v_samp_factor * DCTSIZE),
                 info.image_height);
    std::snprintf(text, sizeof text, "the JPEG file is damaged near row %u of %u: %s", row,
                  info.image_height, reason);
  }
  jump.raise(text);
}

void JpegDecompressor::State::raise_truncated() noexcept {
  char text[120];
  std::snprintf(text, sizeof text, "the JPEG file is truncated: it ends after %zu bytes, %s",
                file_bytes,
                info.input_scan_number == 0 ? "inside its header" : "before the image is complete");
  jump.raise(text);
}

// Whether an image is as it was meant in spite of a warning.
bool JpegDecompressor::State::tolerates(int warning) const {
  switch (warning) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
      return true;
    case JWRN_HIT_MARKER:
      return info.progressive_mode && info.Ss > 0 &&
             info.input_iMCU_row + 1 >= info.total_iMCU_rows;
    default:
      return false;
  }
}

// EXIF data are in an APP1 segment, which is completely in memory: length, "Exif", two zeros, data.
boolean JpegDecompressor::State::read_app1() {
  const uint8_t* segment = source.next_input_byte;
  if (source.bytes_in_buffer < 2) raise_truncated();
  const size_t length = static_cast<size_t>(segment[0]) << 8 | segment[1];
  if (length < 2) {
    errors.msg_code = JERR_BAD_LENGTH;
    raise_damage();
  }
  if (length > source.bytes_in_buffer) raise_truncated();
  constexpr size_t kBegin = 8;
  if (!has_orientation && length > kBegin && std::memcmp(segment + 2, "Exif\0", 6) == 0) {
    if (const auto found = exif_orientation({segment + kBegin, length - kBegin})) {
      orientation = *found;
      has_orientation = true;
    }
  }
  source.next_input_byte += length;
  source.bytes_in_buffer -= length;
  return TRUE;
}

JpegDecompressor::JpegDecompressor(std::span<const uint8_t> file)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.file_bytes = file.size();
  state.info.err = jpeg_std_error(&state.errors);
  state.info.client_data = &state;
  state.errors.error_exit = [](j_common_ptr info) { State::of(info).raise(); };
  state.errors.emit_message = [](j_common_ptr info, int level) {
    if (level >= 0) return;  // only a trace
    State& self = State::of(info);
    ++self.warnings;
    if (!self.tolerates(self.errors.msg_code)) self.raise_damage();
  };
  state.errors.output_message = [](j_common_ptr) {};
  run([&] { jpeg_create_decompress(&state.info); });

  state.source.next_input_byte = file.data();
  state.source.bytes_in_buffer = file.size();
  state.source.init_source = [](j_decompress_ptr) {};
  state.source.fill_input_buffer = [](j_decompress_ptr info) -> boolean {
    State::of(info).raise_truncated();
  };
  state.source.skip_input_data = [](j_decompress_ptr info, long count) {
    State& self = State::of(info);
    if (count <= 0) return;
    if (static_cast<size_t>(count) > self.source.bytes_in_buffer) self.raise_truncated();
    self.source.next_input_byte += count;
    self.source.bytes_in_buffer -= static_cast<size_t>(count);
  };
  state.source.resync_to_restart = jpeg_resync_to_restart;
  state.source.term_source = [](j_decompress_ptr) {};
  state.info.src = &state.source;

  state.progress.progress_monitor = [](j_common_ptr info) {
    State& self = State::of(info);
    if (self.info.input_scan_number <= kMostScans) return;
    char text[120];
    std::snprintf(text, sizeof text, "the JPEG file has more than %d scans, the most supported",
                  kMostScans);
    self.jump.raise(text);
  };
  state.info.progress = &state.progress;
  run([&] {
    jpeg_set_marker_processor(&state.info, JPEG_APP0 + 1, [](j_decompress_ptr info) -> boolean {
      return State::of(info).read_app1();
    });
  });
}

JpegDecompressor::~JpegDecompressor() = default;
JpegDecompressor::JpegDecompressor(JpegDecompressor&&) noexcept = default;
JpegDecompressor& JpegDecompressor::operator=(JpegDecompressor&&) noexcept = default;

jpeg_decompress_struct& JpegDecompressor::info() { return state_->info; }
size_t JpegDecompressor::file_bytes() const { return state_->file_bytes; }
Orientation JpegDecompressor::orientation() const { return state_->orientation; }
int JpegDecompressor::warnings() const { return state_->warnings; }
ErrorJump& JpegDecompressor::jump() { return state_->jump; }

struct JpegCompressor::State {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_destination_mgr destination{};
  ErrorJump jump;
  std::vector<uint8_t> bytes;
  size_t used = 0;

  State() = default;
  ~State() { jpeg_destroy_compress(&info); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static State& of(j_common_ptr info) { return *static_cast<State*>(info->client_data); }
  static State& of(j_compress_ptr info) { return *static_cast<State*>(info->client_data); }

  // Makes room for more bytes after the first `used` ones.
  void grow() noexcept {
    try {
      bytes.resize(std::max<size_t>(size_t{1} << 16, 2 * bytes.size()));
    } catch (const std::bad_alloc&) {
      jump.raise("not enough memory for a JPEG file");
    }
    destination.next_output_byte = bytes.data() + used;
    destination.free_in_buffer = bytes.size() - used;
  }
};

JpegCompressor::JpegCompressor() : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.info.err = jpeg_std_error(&state.errors);
  state.info.client_data = &state;
  state.errors.error_exit = [](j_common_ptr info) {
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    State::of(info).jump.raise(text);
  };
  state.errors.emit_message = [](j_common_ptr, int) {};
  state.errors.output_message = [](j_common_ptr) {};
  run([&] { jpeg_create_compress(&state.info); });

  state.destination.init_destination = [](j_compress_ptr info) {
    State& self = State::of(info);
    self.used = 0;
    self.destination.next_output_byte = self.bytes.data();
    self.destination.free_in_buffer = self.bytes.size();
    if (self.bytes.empty()) self.grow();
  };
  // The library calls this when the buffer is completely full.
  state.destination.empty_output_buffer = [](j_compress_ptr info) -> boolean {
    State& self = State::of(info);
    self.used = self.bytes.size();
    self.grow();
    return TRUE;
  };
  state.destination.term_destination = [](j_compress_ptr info) {
    State& self = State::of(info);
    self.used = self.bytes.size() - self.destination.free_in_buffer;
  };
  state.info.dest = &state.destination;
}

JpegCompressor::~JpegCompressor() = default;
JpegCompressor::JpegCompressor(JpegCompressor&&) noexcept = default;
JpegCompressor& JpegCompressor::operator=(JpegCompressor&&) noexcept = default;

jpeg_compress_struct& JpegCompressor::info() { return state_->info; }
std::span<const uint8_t> JpegCompressor::file() const {
  return {state_->bytes.data(), state_->used};
}
ErrorJump& JpegCompressor::jump() { return state_->jump; }

}  // namespace d2l::data
