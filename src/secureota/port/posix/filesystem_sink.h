// A partition that takes filesystems. In the filesystem's own, what was there is gone from the
// first erase on, and who calls it remembers meanwhile that there is none (Floor::expect). In that
// of the spare application slot they are staged; no boot stage runs what is not a program.
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
      : flash_(flash), partition_(partition), onErase_(nullptr) {}

  void use(Partition partition) { partition_ = partition; }

  // Is called when the partition is about to be erased.
  void onErase(void (*callback)()) { onErase_ = callback; }

  size_t capacity(ImageKind kind) override;
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override;
  SECUREOTA_NODISCARD Error write(Bytes bytes) override { return writer_.write(bytes); }
  bool eraseAhead() override { return writer_.eraseAhead(); }
  SECUREOTA_NODISCARD Error seal() override { return writer_.flush(); }
  SECUREOTA_NODISCARD Error readBack(size_t offset, uint8_t* out, size_t size) override;

  // It lies where it is used, or is copied to there.
  SECUREOTA_NODISCARD Error activate() override { return Error::None; }
  void abort() override {}

 private:
  NorFlash* flash_;
  Partition partition_;
  void (*onErase_)();
  PartitionWriter writer_;
};

}  // namespace posix
}  // namespace secureota

#endif
