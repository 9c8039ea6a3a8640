#if defined(ARDUINO_ARCH_ESP32)

#include "rollback.h"

#include <esp_ota_ops.h>
#include <esp_system.h>

namespace secureota {
namespace esp32 {

// A boot loader that was built without rollback leaves every state undefined; of an image that came
// by cable there may be no state at all.
BootState Rollback::state() {
  esp_ota_img_states_t state;
  if (esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) != ESP_OK) {
    return BootState::Unknown;
  }
  switch (state) {
    case ESP_OTA_IMG_NEW:
    case ESP_OTA_IMG_PENDING_VERIFY:
      return BootState::OnTrial;
    case ESP_OTA_IMG_VALID:
      return BootState::Kept;
    default:
      return BootState::Unknown;
  }
}

bool Rollback::otherGivenUp() {
  esp_ota_img_states_t state;
  const esp_partition_t* const other = esp_ota_get_next_update_partition(nullptr);
  return other != nullptr && esp_ota_get_state_partition(other, &state) == ESP_OK &&
         (state == ESP_OTA_IMG_ABORTED || state == ESP_OTA_IMG_INVALID);
}

bool Rollback::otherWaits() {
  return esp_ota_get_boot_partition() != esp_ota_get_running_partition();
}

Error Rollback::keep() {
  if (esp_ota_mark_app_valid_cancel_rollback() != ESP_OK) {
    return Error::ActivateFailed;
  }
  if (timer_ != nullptr) {
    (void)esp_timer_stop(timer_);
  }
  return Error::None;
}

Error Rollback::giveUp() {
  (void)esp_ota_mark_app_invalid_rollback_and_reboot();  // returns only where it failed
  return Error::ActivateFailed;
}

// The boot loader gives up what restarts on trial.
static void restart(void*) {
  esp_restart();
}

void Rollback::limitTrial(uint32_t seconds) {
  if (state() != BootState::OnTrial) {
    return;
  }
  if (timer_ == nullptr) {
    esp_timer_create_args_t arguments = {};
    arguments.callback = restart;
    arguments.name = "secureota trial";
    if (esp_timer_create(&arguments, &timer_) != ESP_OK) {
      timer_ = nullptr;
      return;
    }
  }
  (void)esp_timer_stop(timer_);
  if (seconds != 0) {
    (void)esp_timer_start_once(timer_, uint64_t(seconds) * 1000000);
  }
}

}  // namespace esp32
}  // namespace secureota

#endif
