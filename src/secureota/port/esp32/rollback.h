// Keeps the image that runs, or gives it up, by the states of ESP-IDF's boot loader.
#pragma once

#if defined(ARDUINO_ARCH_ESP32)

#include "../../boot_control.h"

namespace secureota {
namespace esp32 {

class Rollback final : public BootControl {
 public:
  BootState state() override;
  bool otherGivenUp() override;
  SECUREOTA_NODISCARD Error keep() override;

  // Restarts at once where it succeeds.
  SECUREOTA_NODISCARD Error giveUp() override;
};

}  // namespace esp32
}  // namespace secureota

#endif
