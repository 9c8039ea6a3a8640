#if defined(ARDUINO_ARCH_ESP32)

#include "partition_sink.h"

namespace secureota {
namespace esp32 {
namespace {

const size_t kSectorSize = 4096;
const size_t kBlockSize = 64 * 1024;

// A block takes some 150 ms to erase, a sector 45 ms: from the fourth sector on the block is
// quicker.
const size_t kWorthABlock = 3 * kSectorSize;

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
  if (esp_ota_get_boot_partition() != running) {
    if (esp_ota_set_boot_partition(running) != ESP_OK) {
      return Error::FlashOpenFailed;
    }
    // ESP-IDF puts on trial what it is told to boot, and this image has been confirmed: while it is
    // not, there are no updates. Of a factory image there is no state, and nothing to take back.
    (void)esp_ota_mark_app_valid_cancel_rollback();
  }
  size_ = size;
  written_ = 0;
  erased_ = 0;
  // Told a size, this erases so much, and leaves the rest to us: block by block as the bytes come.
  // A megabyte at once would take longer than a host waits; OTA_WITH_SEQUENTIAL_WRITES erases
  // sectors only, which takes five times as long. Refused while the running image is pending
  // verification by the boot loader.
  const size_t first = eraseUnit();
  if (esp_ota_begin(spare_, first, &handle_) != ESP_OK) {
    return Error::FlashOpenFailed;
  }
  erased_ = first;
  writing_ = true;
  open_ = true;
  return Error::None;
}

Error PartitionSink::write(Bytes bytes) {
  if (bytes.size > size_ - written_) {
    return Error::FlashWriteFailed;
  }
  written_ += bytes.size;
  while (erased_ < written_) {
    if (!eraseNext()) {
      return Error::FlashWriteFailed;
    }
  }
  return fromCode(esp_ota_write(handle_, bytes.data, bytes.size), Error::FlashWriteFailed);
}

bool PartitionSink::eraseAhead() {
  return erased_ < size_ && eraseNext();
}

bool PartitionSink::eraseNext() {
  const size_t unit = eraseUnit();
  if (esp_partition_erase_range(spare_, erased_, unit) != ESP_OK) {
    return false;
  }
  erased_ += unit;
  return true;
}

// What to erase next: a block begins there, lies in the partition, and is worth it; or a sector.
size_t PartitionSink::eraseUnit() const {
  const bool block = (spare_->address + erased_) % kBlockSize == 0 &&
                     spare_->size - erased_ >= kBlockSize && size_ - erased_ > kWorthABlock;
  return block ? kBlockSize : kSectorSize;
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
