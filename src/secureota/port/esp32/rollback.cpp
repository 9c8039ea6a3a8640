#if defined(ARDUINO_ARCH_ESP32)

#include "rollback.h"

#include <esp_ota_ops.h>

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

Error Rollback::keep() {
  return esp_ota_mark_app_valid_cancel_rollback() == ESP_OK ? Error::None : Error::ActivateFailed;
}

Error Rollback::giveUp() {
  (void)esp_ota_mark_app_invalid_rollback_and_reboot();  // returns only where it failed
  return Error::ActivateFailed;
}

}  // namespace esp32
}  // namespace secureota

#endif
