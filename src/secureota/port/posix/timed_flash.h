// Flash that takes as long as a chip's: typical times of the parts on ESP32 boards.
#pragma once

#include "nor_flash.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

const uint32_t kBlockEraseTime = 150 * 1000;  // microseconds
const uint32_t kSectorEraseTime = 45 * 1000;
const uint32_t kPageProgramTime = 700;
const uint32_t kReadBytesPerMicrosecond = 20;

// Passes everything on, and returns when the chip would have.
class TimedFlash final : public NorFlash {
 public:
  explicit TimedFlash(NorFlash* flash) : flash_(flash), enabled_(false) {}

  void enable() { enabled_ = true; }

  SECUREOTA_NODISCARD bool erase(uint32_t address, uint32_t size) override;
  SECUREOTA_NODISCARD bool program(uint32_t address, Bytes bytes) override;
  SECUREOTA_NODISCARD bool read(uint32_t address, uint8_t* out, size_t size) override;

 private:
  void takeUntil(uint64_t start, uint32_t microseconds) const;

  NorFlash* flash_;
  bool enabled_;
};

}  // namespace posix
}  // namespace secureota

#endif
