// Flash that is written by a task of its own: the bytes and their order, waiting, errors at every
// operation, an end at every point. Also built with ThreadSanitizer, which sees the flash below
// touched by two tasks at once.
#include <pthread.h>

#include <string>
#include <vector>

#include "check.h"
#include "secureota/port/posix/overlapped_sink.h"

#if defined(__SANITIZE_ADDRESS__)
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";  // there is a test without memory
}
#elif defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}
#endif

using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;
using secureota::OverlappedSink;

namespace {

typedef std::vector<uint8_t> Buffer;

const size_t kBlock = 8192;  // what this flash erases at once
const size_t kPage = 256;

Buffer image(size_t size) {
  Buffer result(size);
  for (size_t i = 0; i < size; ++i) {
    result[i] = static_cast<uint8_t>(i * 7 + i / 256 * 11);
  }
  return result;
}

// Where the task can be held before an operation.
class Gate {
 public:
  Gate() : passes_(-1), waiting_(false) {
    (void)pthread_mutex_init(&lock_, nullptr);
    (void)pthread_cond_init(&changed_, nullptr);
  }
  ~Gate() {
    (void)pthread_cond_destroy(&changed_);
    (void)pthread_mutex_destroy(&lock_);
  }

  void close() { let(0); }
  void open() { let(-1); }

  // So many operations pass.
  void let(int passes) {
    (void)pthread_mutex_lock(&lock_);
    passes_ = passes;
    waiting_ = false;
    (void)pthread_cond_broadcast(&changed_);
    (void)pthread_mutex_unlock(&lock_);
  }

  void pass() {
    (void)pthread_mutex_lock(&lock_);
    while (passes_ == 0) {
      waiting_ = true;
      (void)pthread_cond_broadcast(&changed_);
      (void)pthread_cond_wait(&changed_, &lock_);
    }
    passes_ -= passes_ > 0 ? 1 : 0;
    (void)pthread_mutex_unlock(&lock_);
  }

  void waitUntilSomebodyWaits() {
    (void)pthread_mutex_lock(&lock_);
    while (!waiting_) {
      (void)pthread_cond_wait(&changed_, &lock_);
    }
    (void)pthread_mutex_unlock(&lock_);
  }

 private:
  Gate(const Gate&);
  Gate& operator=(const Gate&);

  pthread_mutex_t lock_;
  pthread_cond_t changed_;
  int passes_;  // -1: any number
  bool waiting_;
};

// Its fields have no lock: the sink in front of it must not need one.
class Flash final : public secureota::ImageSink {
 public:
  Flash()
      : failAt(-1),
        failWrites(false),
        failAhead(false),
        size(0),
        erased(0),
        operations(0),
        splitPages(0),
        aborted(false) {}

  size_t capacity(ImageKind) override { return 1 << 20; }
  Error open(ImageKind, size_t imageSize) override {
    size = imageSize;
    erased = 0;
    slot.clear();
    aborted = false;
    return did("open", Error::FlashOpenFailed);
  }
  Error write(Bytes bytes) override {
    gate.pass();
    while (slot.size() + bytes.size > erased) {
      erased += kBlock;
    }
    splitPages += slot.size() % kPage == 0 ? 0 : 1;
    slot.insert(slot.end(), bytes.data, bytes.data + bytes.size);
    const Error error = did("write", Error::FlashWriteFailed);
    return failWrites ? Error::FlashWriteFailed : error;
  }
  bool eraseAhead() override {
    gate.pass();
    if (erased >= size || failAhead) {
      return false;
    }
    erased += kBlock;
    return true;
  }
  Error seal() override { return did("seal", Error::FlashWriteFailed); }
  Error readBack(size_t offset, uint8_t* out, size_t count) override {
    memcpy(out, slot.data() + offset, count);
    return did("readBack", Error::FlashReadBackMismatch);
  }
  Error activate() override { return did("activate", Error::ActivateFailed); }
  void abort() override { aborted = true; }

  Gate gate;
  int failAt;  // the operation, counted from 0 and without eraseAhead, that fails; -1: none
  bool failWrites;
  bool failAhead;
  size_t size;
  Buffer slot;
  size_t erased;  // bytes
  int operations;
  unsigned splitPages;
  bool aborted;
  std::string last;

 private:
  Error did(const char* what, Error failure) {
    last = what;
    return operations++ == failAt ? failure : Error::None;
  }
};

Error writeAll(OverlappedSink* sink, const Buffer& bytes, size_t piece) {
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const size_t size = bytes.size() - at < piece ? bytes.size() - at : piece;
    SECUREOTA_TRY(sink->write(Bytes(bytes.data() + at, size)));
  }
  return Error::None;
}

Error update(OverlappedSink* sink, const Buffer& bytes, size_t piece) {
  SECUREOTA_TRY(sink->open(ImageKind::Application, bytes.size()));
  SECUREOTA_TRY(writeAll(sink, bytes, piece));
  SECUREOTA_TRY(sink->seal());
  Buffer back(bytes.size());
  SECUREOTA_TRY(sink->readBack(0, back.data(), back.size()));
  CHECK(back == bytes);
  return sink->activate();
}

void everythingArrivesInOrder() {
  const size_t kRings[] = {kPage, 3 * kPage, 4096, secureota::kRingSize};
  const size_t kPieces[] = {1, 255, 256, 257, 1460, 5000, 40000};
  const size_t kSizes[] = {1, 255, 256, 257, 16384, 16385, 33333};
  for (size_t ring : kRings) {
    for (size_t piece : kPieces) {
      for (size_t size : kSizes) {
        Flash flash;
        OverlappedSink sink(&flash, ring);
        const Buffer bytes = image(size);
        CHECK_ERROR(update(&sink, bytes, piece), Error::None);
        CHECK(flash.slot == bytes && flash.last == "activate");
        CHECK(flash.splitPages == 0);
        CHECK(!sink.overlapping());
      }
    }
  }
}

void oneSinkServesManyUpdates() {
  Flash flash;
  OverlappedSink sink(&flash);
  for (size_t size = 1000; size < 60000; size += 9000) {
    CHECK_ERROR(update(&sink, image(size), 1460), Error::None);
    CHECK(flash.slot == image(size));
  }
}

// A sink whose task stands before its first operation, which is to erase a block ahead.
void openHeld(Flash* flash, OverlappedSink* sink, size_t size) {
  flash->gate.close();
  CHECK_ERROR(sink->open(ImageKind::Application, size), Error::None);
  flash->gate.waitUntilSomebodyWaits();
}

// Lets the task go on as soon as it stands, which is when whoever started this waits for it.
class Helper {
 public:
  explicit Helper(Flash* flash) {
    CHECK(pthread_create(&task_, nullptr, openTheGate, &flash->gate) == 0);
  }
  ~Helper() { (void)pthread_join(task_, nullptr); }

 private:
  static void* openTheGate(void* gate) {
    static_cast<Gate*>(gate)->open();
    return nullptr;
  }

  pthread_t task_;
};

// As much as the ring holds is taken while the flash does not move.
void writingDoesNotWaitForFlash() {
  Flash flash;
  OverlappedSink sink(&flash);
  const Buffer bytes = image(secureota::kRingSize);
  openHeld(&flash, &sink, bytes.size());
  CHECK_ERROR(writeAll(&sink, bytes, 1460), Error::None);
  CHECK(flash.slot.empty());
  flash.gate.open();
  CHECK_ERROR(sink.seal(), Error::None);
  CHECK(flash.slot == bytes);
}

void aFullRingWaitsForFlash() {
  Flash flash;
  OverlappedSink sink(&flash, 4 * kPage);
  const Buffer bytes = image(20000);
  openHeld(&flash, &sink, bytes.size());
  CHECK_ERROR(sink.write(Bytes(bytes.data(), 4 * kPage)), Error::None);
  {
    Helper helper(&flash);
    CHECK_ERROR(sink.write(Bytes(bytes.data() + 4 * kPage, bytes.size() - 4 * kPage)), Error::None);
  }
  CHECK_ERROR(sink.seal(), Error::None);
  CHECK(flash.slot == bytes);
}

// The image's size is known, so there is something to do before its bytes come.
void blocksAreErasedAheadOfTheBytes() {
  Flash flash;
  OverlappedSink sink(&flash);
  openHeld(&flash, &sink, 3 * kBlock - 100);
  for (size_t blocks = 0; blocks < 3; ++blocks) {
    CHECK(flash.erased == blocks * kBlock);
    flash.gate.let(1);
    flash.gate.waitUntilSomebodyWaits();
  }
  CHECK(flash.erased == 3 * kBlock && flash.slot.empty());
  flash.gate.open();
  CHECK_ERROR(writeAll(&sink, image(3 * kBlock - 100), 700), Error::None);
  CHECK_ERROR(sink.seal(), Error::None);
  CHECK(flash.slot == image(3 * kBlock - 100));
}

// Into how many writes the bytes fall depends on who is faster; 20,000 bytes are at least 20.
void anErrorAtEveryOperation() {
  const Buffer bytes = image(20000);
  for (int at = 0; at < 20; ++at) {
    Flash flash;
    OverlappedSink sink(&flash, 2048);
    flash.failAt = at;
    CHECK_ERROR(update(&sink, bytes, 1460),
                at == 0 ? Error::FlashOpenFailed : Error::FlashWriteFailed);
    CHECK(flash.operations == at + 1);
    sink.abort();
    CHECK(flash.aborted && flash.operations == at + 1 && !sink.overlapping());
  }
  for (int before = 0; before < 3; ++before) {  // seal, readBack, activate: the caller's own
    Flash flash;
    OverlappedSink sink(&flash, kPage, kPage);  // no room for a stack: directly
    CHECK_ERROR(sink.open(ImageKind::Application, bytes.size()), Error::None);
    CHECK_ERROR(writeAll(&sink, bytes, 5000), Error::None);
    flash.failAt = 5 + before;
    Buffer back(bytes.size());
    CHECK((sink.seal() == Error::None) == (before > 0));
    CHECK((sink.readBack(0, back.data(), back.size()) == Error::None) == (before != 1));
    CHECK((sink.activate() == Error::None) == (before != 2));
  }
}

void whatCannotBeErasedAheadIsErasedByWrite() {
  Flash flash;
  OverlappedSink sink(&flash);
  flash.failAhead = true;
  CHECK_ERROR(update(&sink, image(20000), 1460), Error::None);
  CHECK(flash.slot == image(20000));
}

// Once the flash has failed, nothing waits for it any more, and nothing more is written.
void afterAnErrorEverythingIsRefused() {
  Flash flash;
  OverlappedSink sink(&flash, 2048);
  const Buffer bytes = image(100000);
  openHeld(&flash, &sink, bytes.size());
  flash.failAt = 3;
  {
    Helper helper(&flash);
    CHECK_ERROR(writeAll(&sink, bytes, 1460), Error::FlashWriteFailed);
  }
  CHECK_ERROR(sink.write(Bytes(bytes.data(), 1)), Error::FlashWriteFailed);
  CHECK_ERROR(sink.seal(), Error::FlashWriteFailed);
  CHECK(flash.slot.size() < 10000 && flash.last == "write");
  sink.abort();
}

// Less than a page stays in the ring until seal.
void anErrorOfTheLastBytesIsSeenBySeal() {
  Flash flash;
  OverlappedSink sink(&flash);
  openHeld(&flash, &sink, 100);
  flash.gate.open();
  CHECK_ERROR(sink.write(Bytes(image(100).data(), 100)), Error::None);
  flash.failWrites = true;
  CHECK_ERROR(sink.seal(), Error::FlashWriteFailed);
  CHECK(flash.last == "write");
}

void anAbortAtEveryPoint() {
  const Buffer bytes = image(9000);
  for (size_t taken = 0; taken <= bytes.size(); taken += 150) {
    Flash flash;
    {
      OverlappedSink sink(&flash, 2048);
      CHECK_ERROR(sink.open(ImageKind::Application, bytes.size()), Error::None);
      CHECK_ERROR(writeAll(&sink, Buffer(bytes.begin(), bytes.begin() + ptrdiff_t(taken)), 700),
                  Error::None);
      sink.abort();
      const int before = flash.operations;
      CHECK(flash.aborted && !sink.overlapping());
      CHECK(flash.slot.size() <= taken);
      CHECK(flash.slot == Buffer(bytes.begin(), bytes.begin() + ptrdiff_t(flash.slot.size())));
      CHECK(flash.operations == before);
      CHECK_ERROR(update(&sink, bytes, 1460), Error::None);  // ready for the next one
    }
    CHECK(flash.slot == bytes);
  }
}

void anAbortWaitsForTheOperationUnderWay() {
  Flash flash;
  OverlappedSink sink(&flash);
  openHeld(&flash, &sink, 20000);
  CHECK_ERROR(writeAll(&sink, image(5000), 1460), Error::None);
  {
    Helper helper(&flash);
    sink.abort();
  }
  CHECK(flash.aborted && !sink.overlapping());
}

void withoutOpenAnAbortIsPassedOn() {
  Flash flash;
  OverlappedSink sink(&flash);
  sink.abort();
  CHECK(flash.aborted && flash.operations == 0);
}

void theSinkMayGoInTheMiddle() {
  Flash flash;
  {
    OverlappedSink sink(&flash);
    CHECK_ERROR(sink.open(ImageKind::Application, 50000), Error::None);
    CHECK_ERROR(writeAll(&sink, image(30000), 1460), Error::None);
  }
  CHECK(flash.slot.size() <= 30000);
}

void aSlotThatDoesNotOpenStartsNoTask() {
  Flash flash;
  flash.failAt = 0;
  OverlappedSink sink(&flash);
  CHECK_ERROR(sink.open(ImageKind::Application, 1000), Error::FlashOpenFailed);
  CHECK(!sink.overlapping() && flash.operations == 1);
}

// Without memory for the ring, or for the task's stack, the bytes go the direct way.
void withoutMemoryItWorksDirectly() {
  const size_t kTooMuch = size_t(1) << (sizeof(size_t) * 8 - 3);
  const size_t kSizes[][2] = {{kTooMuch, 0}, {secureota::kRingSize, kTooMuch}};
  for (const auto& sizes : kSizes) {
    Flash flash;
    OverlappedSink sink(&flash, sizes[0], sizes[1]);
    CHECK_ERROR(sink.open(ImageKind::Application, 20000), Error::None);
    CHECK(!sink.overlapping());
    CHECK_ERROR(sink.write(Bytes(image(10).data(), 10)), Error::None);
    CHECK(flash.slot == image(10));
    sink.abort();
    CHECK_ERROR(update(&sink, image(20000), 1460), Error::None);
    CHECK(flash.slot == image(20000));
  }
}

}  // namespace

int main() {
  everythingArrivesInOrder();
  oneSinkServesManyUpdates();
  writingDoesNotWaitForFlash();
  aFullRingWaitsForFlash();
  blocksAreErasedAheadOfTheBytes();
  anErrorAtEveryOperation();
  whatCannotBeErasedAheadIsErasedByWrite();
  afterAnErrorEverythingIsRefused();
  anErrorOfTheLastBytesIsSeenBySeal();
  anAbortAtEveryPoint();
  anAbortWaitsForTheOperationUnderWay();
  withoutOpenAnAbortIsPassedOn();
  theSinkMayGoInTheMiddle();
  aSlotThatDoesNotOpenStartsNoTask();
  withoutMemoryItWorksDirectly();
  return secureota_test::report();
}
