#if defined(ARDUINO_ARCH_ESP32)

#include "running_image.h"

#include <esp_image_format.h>
#include <esp_ota_ops.h>
#include <esp_partition.h>

#include "../../port.h"

namespace secureota {
namespace esp32 {
namespace {

bool digestFront(const esp_partition_t* partition, uint32_t size, uint8_t out[kSha256Size]) {
  uint8_t piece[512];
  Digest running;
  if (size > partition->size || running.begin(DigestAlgorithm::Sha256) != Error::None) {
    return false;
  }
  for (uint32_t at = 0; at < size;) {
    const uint32_t left = size - at;
    const uint32_t take = left < sizeof piece ? left : static_cast<uint32_t>(sizeof piece);
    if (esp_partition_read(partition, at, piece, take) != ESP_OK ||
        running.update(Bytes(piece, take)) != Error::None) {
      return false;
    }
    at += take;
    port().breathe();
  }
  return running.finish(out) == Error::None;
}

// Is it this image, which has another length than the segments say?
bool isRecorded(const esp_partition_t* partition, const ImageIdentity& image, uint32_t length,
                uint8_t out[kSha256Size]) {
  uint8_t hash[kSha256Size];
  if (image.size == 0 || image.size == length || !digestFront(partition, image.size, hash) ||
      memcmp(hash, image.digest, kSha256Size) != 0) {
    return false;
  }
  memcpy(out, hash, kSha256Size);
  return true;
}

}  // namespace

bool digestRunningImage(const UpdateRecord& record, uint8_t out[kSha256Size]) {
  const esp_partition_t* const running = esp_ota_get_running_partition();
  if (running == nullptr) {
    return false;
  }
  esp_partition_pos_t position;
  position.offset = running->address;
  position.size = running->size;
  esp_image_metadata_t metadata;
  memset(&metadata, 0, sizeof metadata);
  metadata.start_addr = position.offset;
  if (esp_image_get_metadata(&position, &metadata) != ESP_OK) {
    return false;
  }
  return isRecorded(running, record.application.pending, metadata.image_len, out) ||
         isRecorded(running, record.application.confirmed, metadata.image_len, out) ||
         digestFront(running, metadata.image_len, out);
}

}  // namespace esp32
}  // namespace secureota

#endif
