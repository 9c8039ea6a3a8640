// How the flash is divided.
#pragma once

#include "nor_flash.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

struct FlashLayout {
  Partition bootData;  // two sectors
  Partition record;    // two sectors
  Partition slots[2];
  Partition filesystem;

  uint32_t size() const { return filesystem.offset + filesystem.size; }
};

// The emulated device's. A slot is that large because a program with sanitizers has 10 MB.
const uint32_t kSlotSize = 32 * 1024 * 1024;
const uint32_t kFilesystemSize = 1024 * 1024;
const FlashLayout kLayout = {
    {0, 2 * kSectorSize},
    {2 * kSectorSize, 2 * kSectorSize},
    {{kBlockSize, kSlotSize}, {kBlockSize + kSlotSize, kSlotSize}},
    {kBlockSize + 2 * kSlotSize, kFilesystemSize},
};

}  // namespace posix
}  // namespace secureota

#endif
