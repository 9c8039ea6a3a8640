// The spare application partition of an ESP32, through esp_ota_* (the Arduino class Update
// activates in end(), so that nothing could be read back in between).
#pragma once

#if defined(ARDUINO_ARCH_ESP32)

#include <esp_ota_ops.h>
#include <esp_partition.h>

#include "../../image_sink.h"

namespace secureota {
namespace esp32 {

// Applications only.
class PartitionSink final : public ImageSink {
 public:
  PartitionSink()
      : spare_(nullptr),
        handle_(0),
        writing_(false),
        open_(false),
        size_(0),
        written_(0),
        erased_(0) {}

  size_t capacity(ImageKind kind) override;
  SECUREOTA_NODISCARD Error open(ImageKind kind, size_t size) override;
  SECUREOTA_NODISCARD Error write(Bytes bytes) override;
  bool eraseAhead() override;
  SECUREOTA_NODISCARD Error seal() override;
  SECUREOTA_NODISCARD Error readBack(size_t offset, uint8_t* out, size_t size) override;
  SECUREOTA_NODISCARD Error activate() override;
  void abort() override;

 private:
  size_t eraseUnit() const;
  bool eraseNext();

  const esp_partition_t* spare_;
  esp_ota_handle_t handle_;
  bool writing_;  // handle_ is valid
  bool open_;     // something of a new image may be in spare_
  size_t size_;
  size_t written_;
  size_t erased_;  // bytes from the partition's start
};

}  // namespace esp32
}  // namespace secureota

#endif
