// Where an image goes: the slot that does not run.
#pragma once

#include "boot_data.h"

#if defined(SECUREOTA_PORT_POSIX)

#include "../../image_sink.h"
#include "flash_layout.h"
#include "partition_writer.h"

namespace secureota {
namespace posix {

class SlotSink final : public ImageSink {
 public:
  SlotSink(NorFlash* flash, const FlashLayout& layout);

  // The slot that runs now; before that is known, there is no place for an image.
  void setRunning(int slot) { running_ = slot; }

  // Is called when a slot is about to be erased.
  void onErase(void (*callback)(int slot)) { onErase_ = callback; }

  size_t capacity(ImageKind kind) override;
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override;
  SECUREOTA_NODISCARD Error write(Bytes bytes) override;
  bool eraseAhead() override { return writer_.eraseAhead(); }
  SECUREOTA_NODISCARD Error seal() override;
  SECUREOTA_NODISCARD Error readBack(size_t offset, uint8_t* out, size_t size) override;
  SECUREOTA_NODISCARD Error activate() override;
  void abort() override;

 private:
  int spare() const { return 1 - running_; }

  NorFlash* flash_;
  const FlashLayout layout_;
  BootStore store_;
  int running_;
  void (*onErase_)(int slot);
  bool open_;
  uint32_t size_;
  PartitionWriter writer_;
  Digest digest_;
};

}  // namespace posix
}  // namespace secureota

#endif
