#include "timed_flash.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <time.h>

namespace secureota {
namespace posix {
namespace {

uint64_t microsecondsNow() {
  timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

bool TimedFlash::erase(uint32_t address, uint32_t size) {
  const uint64_t start = begin();
  const bool ok = flash_->erase(address, size);
  takeUntil(start, size == kBlockSize ? kBlockEraseTime : kSectorEraseTime);
  return ok;
}

bool TimedFlash::program(uint32_t address, Bytes bytes) {
  const uint64_t start = begin();
  const bool ok = flash_->program(address, bytes);
  takeUntil(start, kPageProgramTime);
  return ok;
}

bool TimedFlash::read(uint32_t address, uint8_t* out, size_t size) {
  const uint64_t start = begin();
  const bool ok = flash_->read(address, out, size);
  takeUntil(start, static_cast<uint32_t>(size / kReadBytesPerMicrosecond));
  return ok;
}

uint64_t TimedFlash::begin() const {
  return microsecondsNow() - late_;
}

void TimedFlash::takeUntil(uint64_t start, uint32_t microseconds) {
  if (!enabled_) {
    return;
  }
  const uint64_t end = start + microseconds;
  const uint64_t now = microsecondsNow();
  if (now < end) {
    timespec rest;
    rest.tv_sec = static_cast<time_t>((end - now) / 1000000);
    rest.tv_nsec = static_cast<long>((end - now) % 1000000 * 1000);
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
  }
  late_ = microsecondsNow() - end;
}

}  // namespace posix
}  // namespace secureota

#endif
