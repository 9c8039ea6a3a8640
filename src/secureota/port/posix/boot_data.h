// What the boot stage knows of the two application slots: otadata, on a chip.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include "../../crypto.h"
#include "two_copies.h"

namespace secureota {
namespace posix {

// The states of ESP-IDF's boot loader.
enum class SlotState : uint8_t {
  Empty,          // holds no program
  New,            // was made bootable and has not run yet
  PendingVerify,  // runs on trial: unless it is confirmed, the next boot is the other slot's
  Valid,          // was confirmed, or came by cable
  Invalid,        // said that it does not work, or is damaged
  Aborted,        // was not confirmed before the next boot
};

struct Slot {
  SlotState state;
  uint32_t size;  // bytes of the program
  uint8_t digest[kSha256Size];
};

struct BootData {
  uint8_t boots;  // the slot whose turn it is: 0 or 1
  Slot slots[2];

  BootData();  // no slot holds anything
};

class BootStore {
 public:
  BootStore(NorFlash* flash, Partition sectors) : copies_(flash, sectors) {}

  // False if nothing was ever saved.
  bool load(BootData* out);

  // FlashWriteFailed.
  SECUREOTA_NODISCARD Error save(const BootData& data);

 private:
  TwoCopies copies_;
};

}  // namespace posix
}  // namespace secureota

#endif
