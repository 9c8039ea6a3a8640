// The part of a chip that no firmware changes: it resets, it boots, and a watchdog of its own looks
// after what runs on trial.
//
// The boot stage is the process that was started; the firmware, taken out of a slot, is its child.
#pragma once

#include "flash.h"

#if defined(SECUREOTA_PORT_POSIX)

namespace secureota {
namespace posix {

// Runs the slot whose turn it is, and after each reset the one whose turn it is then. An image on
// trial that crashes, ends, or says nothing for `watchdog` seconds is reset; with any other, who
// started the device sees how it ended. Returns an exit status.
int supervise(Flash* flash, char** arguments, long watchdog);

// The child's side: a pipe to the boot stage, -1 for none.
class Reports {
 public:
  Reports() : fd_(-1) {}
  void use(int fd);

  // "I live." Ends the process where the boot stage is gone: it was the device.
  void alive();

  // Asks for a reset. Does not return.
  void restart();

 private:
  void send(char what);

  int fd_;
};

}  // namespace posix
}  // namespace secureota

#endif
