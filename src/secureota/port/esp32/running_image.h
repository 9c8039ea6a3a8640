// Which image runs?
#pragma once

#if defined(ARDUINO_ARCH_ESP32)

#include "../../floor.h"

namespace secureota {
namespace esp32 {

// SHA-256 of the file whose bytes lie in the running partition. Flash holds no length: it is the
// one that the image's own header and segments give (the file as esptool writes it), or, where the
// file had more behind that (a secure boot signature), the one in `record`, if the digest then is
// the recorded one too. Reads the image once for each length: up to half a second each.
SECUREOTA_NODISCARD bool digestRunningImage(const UpdateRecord& record, uint8_t out[kSha256Size]);

}  // namespace esp32
}  // namespace secureota

#endif
