// The emulated device: runs a sketch as a program whose file is the firmware.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <stdint.h>

namespace secureota {
namespace posix {

// main() of an emulated device. Writes the program into its flash where nothing is in it yet,
// boots, and in the program that runs from a slot calls setup() once and loop() for ever. Returns
// an exit status only where that is not possible: 2, after a line on stderr.
//
//     --dir DIR            the flash (default ./emulated-device, or $SECUREOTA_DEVICE_DIR)
//     --port N             UDP port (default: the sketch's, 3232; or $SECUREOTA_DEVICE_PORT); 0:
//                          any
//     --bind ADDRESS       IPv4 address to listen on (default 127.0.0.1)
//     --anchor FILE        one more trust anchor, PEM or DER; may be repeated
//     --password-env NAME  asks for the password that this environment variable holds
//     --announce NAME      announces itself by multicast DNS, as NAME.local; without it nobody
//     hears
//                          of the device
//     --flash              writes this program into slot 0 and boots it, as a serial upload would
//     --confirm-after S    seconds until a new image confirms itself (default: the sketch's, 60; or
//                          $SECUREOTA_DEVICE_CONFIRM_AFTER)
//     --staging HOW        never, where-it-fits or always: whether a filesystem goes by way of the
//                          spare slot (default: as the sketch says, never)
//     --flash-timing       flash takes as long to erase, program and read as a chip's
//     --receive-buffer N   bytes that a TCP peer may send ahead, as on a chip (5760); 0: as the
//                          system has it
//     --idle-timeout S     seconds that an upload may stand still; 0: as long as the library has it
//     --watchdog S         seconds that an image on trial may be silent, before it is reset
//                          (default 30)
int run(int argc, char** argv, void (*setup)(), void (*loop)());

// The slot that runs: 0 or 1.
int slot();

}  // namespace posix
}  // namespace secureota

// What sketches expect to find. Milliseconds since some moment; wraps around.
uint32_t millis();
void delay(uint32_t milliseconds);

#endif
