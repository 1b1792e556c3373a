#include "data/loading/loader.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

// A few samples, so that all threads work on the same batch and a stopped loader ends soon; but
// not single ones, so that taking a piece costs nothing in comparison.
constexpr int64_t kFewestInPiece = 4, kMostInPiece = 16;

Sampler::Options sampler_options(const Dataset& dataset, const LoaderOptions& options) {
  return {.samples = dataset.samples(),
          .global_batch = options.batch_size,
          .seed = options.seed,
          .order = options.order,
          .last_batch = options.last_batch,
          .rank = options.rank,
          .ranks = options.ranks,
          .slices = options.slices,
          .blocks = options.order == Order::blocks ? dataset.blocks() : std::vector<int64_t>{0},
          .window = options.window};
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> dataset, Backend& host, const LoaderOptions& options)
    : dataset_(std::move(dataset)),
      host_(host),
      options_(options),
      sampler_(sampler_options(*dataset_, options)),
      sample_shape_(options.pipeline.result_shape(dataset_->shape())) {
  check(host.device().kind == DeviceKind::cpu, "loader: expected a CPU backend, found ",
        to_string(host.device()));
  check(options.threads >= 1 && options.threads <= kMostThreads, "loader: expected 1 to ",
        kMostThreads, " threads, found ", options.threads);
  check(options.queue_depth >= 1, "loader: expected a queue depth of at least 1, found ",
        options.queue_depth);
  const uint64_t fit = options.queue_bytes / std::max<uint64_t>(largest_batch_bytes(), 1);
  queue_depth_ = static_cast<int64_t>(
      std::clamp<uint64_t>(fit, 1, static_cast<uint64_t>(options.queue_depth)));
  piece_samples_ =
      std::clamp(ceil_div(largest_part(), options.threads), kFewestInPiece, kMostInPiece);
  for (int i = 0; i < options.threads; ++i)
    readers_.emplace_back(*dataset_, options.pipeline, options.on_bad_sample);
  try {
    for (PieceReader& reader : readers_) threads_.emplace_back([this, &reader] { work(reader); });
  } catch (...) {
    stop();
    throw;
  }
}

Loader::~Loader() { stop(); }

void Loader::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

int64_t Loader::largest_part() const {
  const Sampler::Part first = sampler_.part(0);
  return first.end - first.begin;
}

uint64_t Loader::largest_batch_bytes() const {
  // with target and number
  const uint64_t sample = input_bytes() + 2 * sizeof(int64_t);
  const auto part = static_cast<uint64_t>(largest_part());
  if (!mixes()) return part * sample;
  const uint64_t pair = (SamplePairs::kNumbers + 1) * sizeof(int64_t) + sizeof(float);
  return (part + PartnerRows::kMostExtra) * sample + part * pair;
}

uint64_t Loader::batch_bytes() const {
  return (static_cast<uint64_t>(queue_depth_) + 2) * largest_batch_bytes();
}

DType Loader::input_type() const { return dataset_->info().is_table() ? DType::f32 : DType::u8; }

uint64_t Loader::input_bytes() const {
  return static_cast<uint64_t>(sample_shape_.elements()) * size_of(input_type());
}

DType Loader::target_type() const {
  return dataset_->info().has_labels() ? DType::i64 : DType::f32;
}

void Loader::seek(int64_t epoch, int64_t step) {
  const int64_t steps = steps_per_epoch();
  check(epoch >= 0 && step >= 0 && step <= steps, "loader: epoch ", epoch, ", step ", step,
        " does not exist: epochs have ", steps, " steps");
  std::lock_guard lock(mutex_);
  int64_t number = epoch * steps + step;
  // The epochs of an evaluation are equal, so the batches in the queue are the wanted ones.
  if (options_.order == Order::sequential && (number - next_number_) % steps == 0)
    number = next_number_;
  const auto waiting = readings_.find(number);
  const bool failed = waiting != readings_.end() && !waiting->second->errors.empty();
  if (number == next_number_ && !failed) return;
  readings_.clear();
  next_number_ = next_open_ = number;
  room_.notify_all();
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  const auto is_filled = [&] {
    const auto found = readings_.find(next_number_);
    return found != readings_.end() && found->second->complete();
  };
  filled_.wait(lock, is_filled);
  const SharedReading reading = readings_.at(next_number_);
  if (!reading->errors.empty()) std::rethrow_exception(reading->errors.begin()->second);
  check_replaced(*reading);
  readings_.erase(next_number_++);
  lock.unlock();  // so that the woken thread can take the lock at once
  room_.notify_one();
  count_replaced(*reading);
  const Tensor targets = std::move(reading->targets);  // threads may still hold the reading
  if (mixes())                                         // only now: samples may have been replaced
    draw_pairs(options_.pipeline.on_device(), key("pairs", reading->epoch), reading->partners,
               targets, reading->batch);
  return std::move(reading->batch);
}

int64_t Loader::Reading::replaced_count() const {
  int64_t count = 0;
  for (const auto& [piece, samples] : replaced) count += static_cast<int64_t>(samples.size());
  return count;
}

void Loader::check_replaced(const Reading& reading) const {
  if (reading.replaced.empty() || options_.on_bad_sample == OnBadSample::mark) return;
  const int64_t bad = bad_ + reading.replaced_count(), all = returned_ + reading.batch.size();
  check(
      bad <= kMostBadSamples || static_cast<double>(bad) <= kMostBadPart * static_cast<double>(all),
      bad, " of the first ", all, " samples of this rank are damaged, more than ",
      kMostBadPart * 100, " %: ", reading.replaced.begin()->second.front().problem);
}

void Loader::count_replaced(const Reading& reading) {
  returned_ += reading.batch.size();
  bad_ += reading.replaced_count();
  replaced_.count += reading.replaced_count();
  for (const auto& [piece, samples] : reading.replaced)
    for (const BadSample& sample : samples)
      if (named_.insert(sample.index).second) replaced_.problems.push_back(sample.problem);
}

Replaced Loader::take_replaced() { return std::exchange(replaced_, {}); }

void Loader::work(PieceReader& reader) {
  pthread_setname_np(pthread_self(), "d2l-loader");  // for those who look at a job that hangs
  std::unique_lock lock(mutex_);
  while (true) {
    room_.wait(lock, [&] { return stopping_ || has_work(); });
    if (stopping_) return;
    // Keeps it alive if seek() drops it.
    const SharedReading reading = current();
    if (reading->complete()) {  // nothing to read in it
      filled_.notify_one();
      continue;
    }
    const int64_t piece = reading->claimed++;
    lock.unlock();

    std::vector<BadSample> replaced;
    std::exception_ptr error;
    try {
      const TraceSpan span(options_.trace, "read samples", Trace::Lane::loading);
      replaced = read_piece(*reading, piece, reader);
    } catch (...) {
      error = std::current_exception();
    }

    lock.lock();
    ++reading->done;
    if (error) reading->errors.emplace(piece, std::move(error));
    if (!replaced.empty()) reading->replaced.emplace(piece, std::move(replaced));
    if (!reading->complete()) continue;
    lock.unlock();
    filled_.notify_one();
    lock.lock();
  }
}

// Whether current() returns something. Only the batch that was begun last can have free pieces.
bool Loader::has_work() const {
  if (next_open_ < next_number_ + queue_depth_) return true;
  const Reading& last = *readings_.rbegin()->second;
  return last.claimed < last.pieces;
}

// The batch to work on.
Loader::SharedReading Loader::current() {
  if (!readings_.empty()) {
    const SharedReading& last = readings_.rbegin()->second;
    if (last->claimed < last->pieces) return last;
  }
  SharedReading reading = open(next_open_);
  readings_.emplace(next_open_++, reading);
  if (reading->pieces > 1) room_.notify_all();
  return reading;
}

Loader::SharedReading Loader::open(int64_t number) {
  auto reading = std::make_shared<Reading>();
  try {
    const Sampler::Part part = sampler_.part(number % steps_per_epoch());
    const int64_t count = part.end - part.begin;
    if (mixes()) reading->partners = PartnerRows(part);
    const int64_t extra = std::ssize(reading->partners.extra()), rows = count + extra;
    reading->targets = Tensor(host_, {rows}, target_type());
    reading->epoch = options_.order == Order::sequential ? 0 : number / steps_per_epoch();
    reading->begin = part.begin;
    reading->batch = {.inputs = Tensor(host_, sample_shape_.with_front(rows), input_type()),
                      .targets = reading->targets.rows(0, count),
                      .global_size = part.global_size,
                      .first_in_global = part.first_in_global,
                      .samples = Tensor(host_, {rows}, DType::i64),
                      .epoch = reading->epoch,
                      .pairs = mixes() ? make_sample_pairs(host_, count) : SamplePairs()};
    reading->pieces = ceil_div(count, piece_samples_) + extra;
  } catch (...) {
    reading->errors.emplace(0, std::current_exception());
  }
  return reading;
}

std::vector<BadSample> Loader::read_piece(Reading& reading, int64_t piece, PieceReader& reader) {
  Batch& batch = reading.batch;
  // The last pieces are partners from other ranks' parts.
  const int64_t extra = piece - ceil_div(batch.size(), piece_samples_);
  const bool is_extra = extra >= 0;
  const int64_t begin = is_extra ? batch.size() + extra : piece * piece_samples_;
  const int64_t position = is_extra ? reading.partners.extra()[static_cast<size_t>(extra)] : begin;
  const auto count =
      static_cast<size_t>(is_extra ? 1 : std::min(piece_samples_, batch.size() - begin));
  PieceReader::Piece wanted = {.samples = {batch.samples.data<int64_t>() + begin, count},
                               .labels = {},
                               .targets = {},
                               .inputs = static_cast<uint8_t*>(batch.inputs.view().data) +
                                         static_cast<uint64_t>(begin) * input_bytes(),
                               .key = key("views", reading.epoch)};
  if (target_type() == DType::i64)
    wanted.labels = {reading.targets.data<int64_t>() + begin, count};
  else
    wanted.targets = {reading.targets.data<float>() + begin, count};
  order_of(reading.epoch)->read(reading.begin + position, wanted.samples);
  std::vector<BadSample> replaced = reader.read(wanted);
  if (is_extra) replaced.clear();  // the rank that has them in its part counts them
  return replaced;
}

RngKey Loader::key(std::string_view purpose, int64_t epoch) const {
  return {options_.seed, mix(stream_of(purpose), static_cast<uint64_t>(epoch))};
}

Loader::SharedOrder Loader::order_of(int64_t epoch) {
  std::lock_guard lock(order_mutex_);
  const auto found = orders_.find(epoch);
  if (found != orders_.end()) return found->second;
  // An order that is dropped too early is computed again.
  while (std::ssize(orders_) >= kMostOrders) orders_.erase(orders_.begin());
  SharedOrder order = sampler_.order(epoch);
  orders_.emplace(epoch, order);
  return order;
}

}  // namespace d2l::data
