#if defined(ARDUINO_ARCH_ESP32)

#include "partition_sink.h"

namespace secureota {
namespace esp32 {
namespace {

const size_t kSectorSize = 4096;

// esp_ota_write looks at the first byte, esp_ota_end at everything: what is no application image
// for this chip, however well signed, could never boot.
Error fromCode(esp_err_t code, Error otherwise) {
  if (code == ESP_OK) {
    return Error::None;
  }
  return code == ESP_ERR_OTA_VALIDATE_FAILED ? Error::ActivateFailed : otherwise;
}

}  // namespace

size_t PartitionSink::capacity(ImageKind kind) {
  const esp_partition_t* const spare = esp_ota_get_next_update_partition(nullptr);
  return kind == ImageKind::Application && spare != nullptr ? spare->size : 0;
}

Error PartitionSink::open(ImageKind kind, size_t size) {
  const esp_partition_t* const running = esp_ota_get_running_partition();
  spare_ = esp_ota_get_next_update_partition(nullptr);
  if (size > capacity(kind) || running == nullptr || spare_ == nullptr) {
    return Error::FlashOpenFailed;
  }
  // The spare partition may be the one that boots next, if nobody restarted after the last update.
  if (esp_ota_get_boot_partition() != running && esp_ota_set_boot_partition(running) != ESP_OK) {
    return Error::FlashOpenFailed;
  }
  // Erases as it goes: to erase a megabyte at once takes longer than a host waits. Refused while
  // the running image is pending verification by the boot loader.
  if (esp_ota_begin(spare_, OTA_WITH_SEQUENTIAL_WRITES, &handle_) != ESP_OK) {
    return Error::FlashOpenFailed;
  }
  writing_ = true;
  open_ = true;
  return Error::None;
}

Error PartitionSink::write(Bytes bytes) {
  return fromCode(esp_ota_write(handle_, bytes.data, bytes.size), Error::FlashWriteFailed);
}

// With flash encryption the last bytes are written here.
Error PartitionSink::seal() {
  writing_ = false;
  return fromCode(esp_ota_end(handle_), Error::FlashWriteFailed);
}

Error PartitionSink::readBack(size_t offset, uint8_t* out, size_t size) {
  return esp_partition_read(spare_, offset, out, size) == ESP_OK ? Error::None
                                                                 : Error::FlashReadBackMismatch;
}

Error PartitionSink::activate() {
  if (esp_ota_set_boot_partition(spare_) != ESP_OK) {
    return Error::ActivateFailed;
  }
  open_ = false;
  return Error::None;
}

// Without its first sector an image is none, for the boot loader and for every rollback.
void PartitionSink::abort() {
  if (writing_) {
    (void)esp_ota_abort(handle_);
    writing_ = false;
  }
  if (open_) {
    (void)esp_partition_erase_range(spare_, 0, kSectorSize);
    open_ = false;
  }
}

}  // namespace esp32
}  // namespace secureota

#endif
