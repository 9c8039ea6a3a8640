// The record that outlives restarts, in non-volatile storage.
#pragma once

#if defined(ARDUINO_ARCH_ESP32)

#include "../../floor.h"

namespace secureota {
namespace esp32 {

// NVS itself replaces a value so that a power cut leaves the old one or the new one.
class NvsStore final : public RecordStore {
 public:
  size_t load(uint8_t* out, size_t capacity) override;
  SECUREOTA_NODISCARD Error save(Bytes record) override;
};

}  // namespace esp32
}  // namespace secureota

#endif
