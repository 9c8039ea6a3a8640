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

// Passes everything on, and returns when the chip would have. A computer wakes up late, by more
// than a tenth of a page's time: whoever then asks for the next operation is taken to ask as early
// as on a chip, so that lateness does not add up.
class TimedFlash final : public NorFlash {
 public:
  explicit TimedFlash(NorFlash* flash) : flash_(flash), enabled_(false), late_(0) {}

  void enable() { enabled_ = true; }

  SECUREOTA_NODISCARD bool erase(uint32_t address, uint32_t size) override;
  SECUREOTA_NODISCARD bool program(uint32_t address, Bytes bytes) override;
  SECUREOTA_NODISCARD bool read(uint32_t address, uint8_t* out, size_t size) override;

 private:
  uint64_t begin() const;
  void takeUntil(uint64_t start, uint32_t microseconds);

  NorFlash* flash_;
  bool enabled_;
  uint64_t late_;  // microseconds by which the last operation was overslept
};

}  // namespace posix
}  // namespace secureota

#endif
