// What a boot loader that can go back is asked and told, behind an interface that a port
// implements.
#pragma once

#include <stdint.h>

#include "error.h"

namespace secureota {

enum class BootState : uint8_t {
  Unknown,  // the boot loader keeps no states
  OnTrial,  // unless it is kept, the next boot is the previous image's
  Kept,     // it boots until another image is activated
};

// About the image that runs.
class BootControl {
 public:
  virtual BootState state() = 0;

  // Did the boot loader give up the image in the other slot, after it had started it?
  virtual bool otherGivenUp() = 0;

  // Is it the other slot's turn at the next boot? Then the image there is new, and waits for it.
  virtual bool otherWaits() = 0;

  // ActivateFailed.
  SECUREOTA_NODISCARD virtual Error keep() = 0;

  // From the next boot on the previous image runs; may restart at once. ActivateFailed where there
  // is none.
  SECUREOTA_NODISCARD virtual Error giveUp() = 0;

  // Restarts by itself where the image is on trial and not kept within so many seconds from now,
  // whatever the program does meanwhile; 0: never.
  virtual void limitTrial(uint32_t seconds) = 0;

 protected:
  ~BootControl() {}
};

}  // namespace secureota
