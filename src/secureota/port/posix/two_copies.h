// A few bytes that outlive restarts and power cuts: two sectors of flash, each with a copy.
#pragma once

#include "nor_flash.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

// A copy, numbers little-endian:
//     sequence (4) | size (4) | bytes | CRC-32 of all that (4)
// The good copy with the higher sequence counts. What is saved takes the other's place first, so
// that a cut at any moment leaves the old bytes or the new ones; and then its own, so that a sector
// that goes bad later loses nothing.
class TwoCopies {
 public:
  static const size_t kMaxSize = 1024;  // bytes

  TwoCopies(NorFlash* flash, Partition sectors) : flash_(flash), sectors_(sectors) {}

  // Reads at most `capacity` bytes, and returns how many there are: 0 if no copy is good.
  size_t load(uint8_t* out, size_t capacity);

  // FlashWriteFailed, also where flash does not hold afterwards what was written.
  SECUREOTA_NODISCARD Error save(Bytes bytes);

 private:
  static const size_t kHeaderSize = 8;
  static const size_t kCheckSize = 4;

  struct Copy {
    bool good;
    uint32_t sequence;
    size_t size;
    uint8_t bytes[kHeaderSize + kMaxSize + kCheckSize];
  };

  uint32_t sector(int which) const {
    return sectors_.offset + static_cast<uint32_t>(which) * kSectorSize;
  }
  void read(int which, Copy* out);
  int newest(Copy copies[2]);
  bool write(int which, Bytes whole);

  NorFlash* flash_;
  Partition sectors_;
};

}  // namespace posix
}  // namespace secureota

#endif
