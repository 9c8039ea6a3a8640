#if defined(ARDUINO_ARCH_ESP32)

#include "partition_flash.h"

#include <esp_ota_ops.h>

namespace secureota {
namespace esp32 {
namespace {

// ESP_PARTITION_SUBTYPE_DATA_SPIFFS, _LITTLEFS (which ESP-IDF 4.4 has no name for), _FAT.
const int kSubtypes[] = {0x82, 0x83, 0x81};

// Flash that is encrypted is written in pieces of so many bytes.
const size_t kEncryptedPiece = 32;

}  // namespace

const esp_partition_t* findFilesystem() {
  for (const int subtype : kSubtypes) {
    const esp_partition_t* const found = esp_partition_find_first(
        ESP_PARTITION_TYPE_DATA, static_cast<esp_partition_subtype_t>(subtype), nullptr);
    if (found != nullptr) {
      return found;
    }
  }
  return nullptr;
}

// ESP-IDF answers with the one that runs where there is no other.
const esp_partition_t* findSpareSlot() {
  const esp_partition_t* const spare = esp_ota_get_next_update_partition(nullptr);
  return spare == esp_ota_get_running_partition() ? nullptr : spare;
}

posix::Partition PartitionFlash::whole() const {
  const uint32_t size = partition_ == nullptr ? 0 : partition_->size;
  return posix::Partition{0, size - size % posix::kSectorSize};
}

bool PartitionFlash::erase(uint32_t address, uint32_t size) {
  return partition_ != nullptr && esp_partition_erase_range(partition_, address, size) == ESP_OK;
}

bool PartitionFlash::program(uint32_t address, Bytes bytes) {
  if (partition_ == nullptr) {
    return false;
  }
  if (!partition_->encrypted) {
    return esp_partition_write(partition_, address, bytes.data, bytes.size) == ESP_OK;
  }
  uint8_t page[posix::kPageSize];
  memset(page, 0xff, sizeof page);
  memcpy(page, bytes.data, bytes.size);
  const size_t size = (bytes.size + kEncryptedPiece - 1) / kEncryptedPiece * kEncryptedPiece;
  return esp_partition_write(partition_, address, page, size) == ESP_OK;
}

bool PartitionFlash::read(uint32_t address, uint8_t* out, size_t size) {
  return partition_ != nullptr && esp_partition_read(partition_, address, out, size) == ESP_OK;
}

}  // namespace esp32
}  // namespace secureota

#endif
