// Keeps the image that runs, or gives it up, by the states of ESP-IDF's boot loader.
#pragma once

#if defined(ARDUINO_ARCH_ESP32)

#include <esp_timer.h>

#include "../../boot_control.h"

namespace secureota {
namespace esp32 {

class Rollback final : public BootControl {
 public:
  Rollback() : timer_(nullptr) {}

  BootState state() override;
  bool otherGivenUp() override;
  bool otherWaits() override;
  SECUREOTA_NODISCARD Error keep() override;

  // Restarts at once where it succeeds.
  SECUREOTA_NODISCARD Error giveUp() override;

  // A timer of the system's, which fires also where the sketch hangs.
  void limitTrial(uint32_t seconds) override;

 private:
  esp_timer_handle_t timer_;
};

}  // namespace esp32
}  // namespace secureota

#endif
