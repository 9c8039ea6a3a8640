// The filesystem's partition, written in place: from the first erase on, what was there is gone.
// Who calls it remembers meanwhile that there is no filesystem (Floor::expect).
#pragma once

#include "platform.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include "../../image_sink.h"
#include "partition_writer.h"

namespace secureota {
namespace posix {

class FilesystemSink final : public ImageSink {
 public:
  // A partition of size 0 is none.
  FilesystemSink(NorFlash* flash, Partition partition)
      : flash_(flash), partition_(partition), size_(0), onErase_(nullptr) {}

  // Is called when the partition is about to be erased.
  void onErase(void (*callback)()) { onErase_ = callback; }

  size_t capacity(ImageKind kind) override;
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override;
  SECUREOTA_NODISCARD Error write(Bytes bytes) override { return writer_.write(bytes); }
  bool eraseAhead() override { return writer_.eraseAhead(); }
  SECUREOTA_NODISCARD Error seal() override { return writer_.flush(); }
  SECUREOTA_NODISCARD Error readBack(size_t offset, uint8_t* out, size_t size) override;

  // It lies where it is used.
  SECUREOTA_NODISCARD Error activate() override { return Error::None; }
  void abort() override {}

 private:
  NorFlash* flash_;
  const Partition partition_;
  uint32_t size_;
  void (*onErase_)();
  PartitionWriter writer_;
};

}  // namespace posix
}  // namespace secureota

#endif
