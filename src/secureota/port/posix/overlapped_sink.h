// Writes flash while the network goes on: an ImageSink in front of another one, whose erasing and
// programming it does in a task of its own.
//
//     network -> write() -> ring of 24 KiB -> task -> the flash's own sink
//
// Flash is slow in lumps (a block of 64 KiB takes some 150 ms to erase and 180 ms to program), and
// the network pays for every pause with a round trip. The ring holds what comes while a block is
// erased; while no bytes are there, the next block is erased ahead of them. So the slower of the
// two hardly ever waits for the other one.
//
// On an ESP32 whose flash can't suspend an erasure, all code that lies in flash stands still
// meanwhile, on both cores; there the gain is that the radio and TCP go on between operations.
//
// Memory: the ring and the task's stack, from open() to seal() or abort(). Where there is not
// enough for either, everything is passed on directly, as if this were not there.
//
// What keeps the order of ImageSink: the task is started after the other sink's open() and has
// ended before its seal(), readBack(), activate() or abort(). So that sink is called by one task at
// a time, and what is read back lies in flash. Only capacity() is not held back.
#pragma once

#include "platform.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include <pthread.h>

#include "../../image_sink.h"

namespace secureota {

// Bytes. Flash is programmed at 365 KB/s. lwIP's window of 5,760 bytes brings 250 to 290 KB/s where
// the round trip is 20 ms, so that the 64 KiB of a block take 14 to 21 KiB out of the ring.
const size_t kRingSize = 24 * 1024;

// The task's stack in bytes; 0: as large as the system makes them. On a chip it lies in internal
// RAM, as ESP-IDF demands of whoever writes flash; the ring may lie anywhere.
#if defined(ARDUINO_ARCH_ESP32)
const size_t kFlashTaskStack = 4 * 1024;
#else
const size_t kFlashTaskStack = 0;
#endif

class OverlappedSink final : public ImageSink {
 public:
  // `ringSize` is a multiple of a page, which is 256 bytes.
  explicit OverlappedSink(ImageSink* flash, size_t ringSize = kRingSize,
                          size_t stackSize = kFlashTaskStack);
  ~OverlappedSink();

  size_t capacity(ImageKind kind) override { return flash_->capacity(kind); }
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override;

  // Waits where the ring is full, until the flash has taken as much: one erasing of a block at
  // most, and then a page at a time. That is no longer than flash itself makes anybody wait, so
  // time-outs and datagrams need no other way round it. An error may be that of earlier bytes.
  SECUREOTA_NODISCARD Error write(Bytes bytes) override;

  // Waits until everything is in flash.
  SECUREOTA_NODISCARD Error seal() override;

  SECUREOTA_NODISCARD Error readBack(size_t offset, uint8_t* out, size_t size) override {
    return flash_->readBack(offset, out, size);
  }
  SECUREOTA_NODISCARD Error activate() override { return flash_->activate(); }

  // Throws away what is in the ring. Waits for the one operation that is under way.
  void abort() override;

  // A task is at work: false before open, after seal and abort, and where there was no memory.
  bool overlapping() const { return ring_ != nullptr; }

 private:
  OverlappedSink(const OverlappedSink&);
  OverlappedSink& operator=(const OverlappedSink&);

  enum class Order : uint8_t { Go, Finish, Stop };

  bool startTask();
  Error endTask(Order order);
  static void* runTask(void* self);
  void work();
  void useFreeTime();
  size_t nextPiece() const;

  ImageSink* flash_;
  size_t ringSize_;
  size_t stackSize_;
  uint8_t* ring_;  // null: no task
  pthread_t task_;
  pthread_mutex_t lock_;    // over everything below
  pthread_cond_t changed_;  // one of the two waits, never both: for room, or for bytes
  Order order_;
  size_t start_;  // where the oldest byte is
  size_t held_;   // bytes in the ring
  Error error_;   // the task has ended with it
  bool erased_;   // there is nothing left to erase
};

}  // namespace secureota

#endif
