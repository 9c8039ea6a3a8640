#include "overlapped_sink.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include <stdlib.h>

namespace secureota {
namespace {

// Flash is programmed in pages; the task takes whole ones, so that none is programmed twice.
const size_t kPage = 256;

// What the task takes at once. Small, so that room for a segment is back in the ring soon.
const size_t kPiece = 4 * kPage;

static_assert(kRingSize % kPage == 0, "pages must not be split at the end of the ring");

class Locked {
 public:
  explicit Locked(pthread_mutex_t* lock) : lock_(lock) { (void)::pthread_mutex_lock(lock_); }
  ~Locked() { (void)::pthread_mutex_unlock(lock_); }

 private:
  Locked(const Locked&);
  Locked& operator=(const Locked&);

  pthread_mutex_t* lock_;
};

bool startThread(pthread_t* task, size_t stackSize, void* (*run)(void*), void* self) {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) {
    return false;
  }
  const bool started =
      (stackSize == 0 || ::pthread_attr_setstacksize(&attributes, stackSize) == 0) &&
      ::pthread_create(task, &attributes, run, self) == 0;
  (void)::pthread_attr_destroy(&attributes);
  return started;
}

}  // namespace

OverlappedSink::OverlappedSink(ImageSink* flash, size_t ringSize, size_t stackSize)
    : flash_(flash),
      ringSize_(ringSize),
      stackSize_(stackSize),
      ring_(nullptr),
      task_(),
      lock_(),
      changed_(),
      order_(Order::Go),
      start_(0),
      held_(0),
      error_(Error::None),
      erased_(false) {}

OverlappedSink::~OverlappedSink() {
  (void)endTask(Order::Stop);
}

// ---- the caller's side
// ---------------------------------------------------------------------------

Error OverlappedSink::open(ImageKind kind, size_t size) {
  (void)endTask(Order::Stop);
  SECUREOTA_TRY(flash_->open(kind, size));
  (void)startTask();  // without it, everything is passed on directly
  return Error::None;
}

Error OverlappedSink::write(Bytes bytes) {
  if (!overlapping()) {
    return flash_->write(bytes);
  }
  const Locked locked(&lock_);
  while (!bytes.empty() && error_ == Error::None) {
    const size_t room = ringSize_ - held_;
    if (room == 0) {
      (void)::pthread_cond_wait(&changed_, &lock_);
      continue;
    }
    const size_t end = (start_ + held_) % ringSize_;
    const size_t untilWrap = ringSize_ - end;
    size_t piece = bytes.size < room ? bytes.size : room;
    piece = piece < untilWrap ? piece : untilWrap;
    memcpy(ring_ + end, bytes.data, piece);
    held_ += piece;
    bytes = Bytes(bytes.data + piece, bytes.size - piece);
    (void)::pthread_cond_signal(&changed_);
  }
  return error_;
}

Error OverlappedSink::seal() {
  SECUREOTA_TRY(endTask(Order::Finish));
  return flash_->seal();
}

void OverlappedSink::abort() {
  (void)endTask(Order::Stop);
  flash_->abort();
}

bool OverlappedSink::startTask() {
  order_ = Order::Go;
  start_ = 0;
  held_ = 0;
  error_ = Error::None;
  erased_ = false;
  if (::pthread_mutex_init(&lock_, nullptr) != 0) {
    return false;
  }
  if (::pthread_cond_init(&changed_, nullptr) == 0) {
    ring_ = static_cast<uint8_t*>(::malloc(ringSize_));
    if (ring_ != nullptr && startThread(&task_, stackSize_, runTask, this)) {
      return true;
    }
    ::free(ring_);
    ring_ = nullptr;
    (void)::pthread_cond_destroy(&changed_);
  }
  (void)::pthread_mutex_destroy(&lock_);
  return false;
}

// Does nothing where there is no task. Afterwards nobody but the caller touches the flash.
Error OverlappedSink::endTask(Order order) {
  if (!overlapping()) {
    return Error::None;
  }
  {
    const Locked locked(&lock_);
    order_ = order;
    (void)::pthread_cond_signal(&changed_);
  }
  (void)::pthread_join(task_, nullptr);
  (void)::pthread_cond_destroy(&changed_);
  (void)::pthread_mutex_destroy(&lock_);
  ::free(ring_);
  ring_ = nullptr;
  return error_;
}

// ---- the task's side
// -----------------------------------------------------------------------------

void* OverlappedSink::runTask(void* self) {
  static_cast<OverlappedSink*>(self)->work();
  return nullptr;
}

void OverlappedSink::work() {
  const Locked locked(&lock_);
  while (order_ != Order::Stop && error_ == Error::None) {
    const size_t piece = nextPiece();
    if (piece != 0) {
      // The writer stays off these bytes until they are no longer counted in held_.
      const Bytes bytes(ring_ + start_, piece);
      (void)::pthread_mutex_unlock(&lock_);
      const Error error = flash_->write(bytes);
      (void)::pthread_mutex_lock(&lock_);
      error_ = error;
      start_ = (start_ + piece) % ringSize_;
      held_ -= piece;
      (void)::pthread_cond_signal(&changed_);
    } else if (order_ == Order::Finish) {
      return;
    } else if (!erased_) {
      useFreeTime();
    } else {
      (void)::pthread_cond_wait(&changed_, &lock_);
    }
  }
}

void OverlappedSink::useFreeTime() {
  (void)::pthread_mutex_unlock(&lock_);
  const bool more = flash_->eraseAhead();
  (void)::pthread_mutex_lock(&lock_);
  erased_ = !more;
}

// Bytes in one run from start_: whole pages, and at the very end what is left. 0: wait for more.
size_t OverlappedSink::nextPiece() const {
  const size_t untilWrap = ringSize_ - start_;
  size_t run = held_ < untilWrap ? held_ : untilWrap;
  run = run < kPiece ? run : kPiece;
  return run < kPage && order_ == Order::Finish ? run : run - run % kPage;
}

}  // namespace secureota

#endif
