#if defined(ARDUINO_ARCH_ESP32)

#include "nvs_store.h"

#include <nvs.h>

namespace secureota {
namespace esp32 {
namespace {

const char kNamespace[] = "secureota";
const char kKey[] = "record";

}  // namespace

size_t NvsStore::load(uint8_t* out, size_t capacity) {
  nvs_handle_t handle;
  if (nvs_open(kNamespace, NVS_READONLY, &handle) != ESP_OK) {
    return 0;  // the namespace is made by the first save
  }
  size_t size = capacity;
  const esp_err_t code = nvs_get_blob(handle, kKey, out, &size);
  nvs_close(handle);
  return code == ESP_OK ? size : 0;
}

Error NvsStore::save(Bytes record) {
  nvs_handle_t handle;
  if (nvs_open(kNamespace, NVS_READWRITE, &handle) != ESP_OK) {
    return Error::FlashWriteFailed;
  }
  const bool saved = nvs_set_blob(handle, kKey, record.data, record.size) == ESP_OK &&
                     nvs_commit(handle) == ESP_OK;
  nvs_close(handle);
  return saved ? Error::None : Error::FlashWriteFailed;
}

}  // namespace esp32
}  // namespace secureota

#endif
