// A partition that filesystems are written to, as flash that begins at 0.
#pragma once

#if defined(ARDUINO_ARCH_ESP32)

#include <esp_partition.h>

#include "../posix/nor_flash.h"

namespace secureota {
namespace esp32 {

// The first data partition for SPIFFS (where the Arduino core keeps LittleFS too), for LittleFS, or
// for FAT; null: there is none.
const esp_partition_t* findFilesystem();

// The application partition that does not run; null: there is none.
const esp_partition_t* findSpareSlot();

class PartitionFlash final : public posix::NorFlash {
 public:
  // `partition` may be null: then everything fails.
  explicit PartitionFlash(const esp_partition_t* partition) : partition_(partition) {}

  posix::Partition whole() const;

  SECUREOTA_NODISCARD bool erase(uint32_t address, uint32_t size) override;
  SECUREOTA_NODISCARD bool program(uint32_t address, Bytes bytes) override;
  SECUREOTA_NODISCARD bool read(uint32_t address, uint8_t* out, size_t size) override;

 private:
  const esp_partition_t* const partition_;
};

}  // namespace esp32
}  // namespace secureota

#endif
