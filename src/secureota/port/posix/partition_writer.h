// Writes a partition from its start to as far as the bytes go, erasing as it goes.
#pragma once

#include "nor_flash.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

class PartitionWriter {
 public:
  PartitionWriter();

  // `size` bytes will come, not more than the partition has. Nothing is erased yet, and later
  // nothing behind the sector in which they end.
  void begin(NorFlash* flash, Partition partition, uint32_t size);

  // Appends. Programs whole pages, and keeps the rest for the next call. FlashWriteFailed.
  SECUREOTA_NODISCARD Error write(Bytes bytes);

  // Erases the next block or sector of what is still to be written. False where nothing was erased.
  bool eraseAhead();

  // Programs what is left: everything is in flash then. FlashWriteFailed.
  SECUREOTA_NODISCARD Error flush();

 private:
  SECUREOTA_NODISCARD bool eraseNext();
  SECUREOTA_NODISCARD Error programPage();

  NorFlash* flash_;
  Partition partition_;
  uint32_t size_;
  uint32_t erased_;      // bytes from the partition's start
  uint32_t programmed_;  // likewise; a multiple of kPageSize until flush
  uint8_t page_[kPageSize];
  uint32_t inPage_;
};

}  // namespace posix
}  // namespace secureota

#endif
