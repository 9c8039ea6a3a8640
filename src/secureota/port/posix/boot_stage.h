// Which slot runs: what a boot loader decides after each reset, by the rules of ESP-IDF's.
#pragma once

#include "boot_data.h"

#if defined(SECUREOTA_PORT_POSIX)

#include "flash_layout.h"

namespace secureota {
namespace posix {

// A reset. Returns the slot to run, or -1 if neither holds a program, and writes what the reset
// changed: a new image is on trial from here on, and one that was on trial is given up.
//
// A slot is run only if it holds the very bytes that were made bootable.
int chooseSlot(NorFlash* flash, const FlashLayout& layout);

// Does the slot hold the bytes that `slot` promises?
bool holdsProgram(NorFlash* flash, Partition partition, const Slot& slot);

}  // namespace posix
}  // namespace secureota

#endif
