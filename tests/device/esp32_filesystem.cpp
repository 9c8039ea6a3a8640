// The ESP32 port's filesystem partition, over an ESP-IDF that is made up: data partitions in memory
// that behave like NOR flash. Built and run by tests/python/test_esp32_port.py.
#include <esp_ota_ops.h>

#include <vector>

#include "check.h"
#include "secureota/port/esp32/partition_flash.h"
#include "secureota/port/posix/filesystem_sink.h"

using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;
using secureota::esp32::findFilesystem;
using secureota::esp32::findSpareSlot;
using secureota::esp32::PartitionFlash;
using secureota::posix::FilesystemSink;

namespace {

const uint32_t kSize = 40 * 4096;

struct Chip {
  esp_partition_t slots[2];
  const esp_partition_t* spare;  // what ESP-IDF answers while slots[0] runs
  std::vector<esp_partition_t> partitions;
  std::vector<uint8_t> flash;
  bool fails;
  unsigned erased;  // bytes
};
Chip chip;

// One partition of each subtype, all of the same flash.
void makePartitions(const std::vector<int>& subtypes, bool encrypted = false) {
  chip.partitions.clear();
  for (const int subtype : subtypes) {
    esp_partition_t partition;
    memset(&partition, 0, sizeof partition);
    partition.type = ESP_PARTITION_TYPE_DATA;
    partition.subtype = static_cast<esp_partition_subtype_t>(subtype);
    partition.address = 0x290000;
    partition.size = kSize;
    partition.encrypted = encrypted;
    chip.partitions.push_back(partition);
  }
  chip.flash.assign(kSize, 0);  // what was there before
  chip.fails = false;
  chip.erased = 0;
}

}  // namespace

extern "C" {

const esp_partition_t* esp_ota_get_running_partition() {
  return &chip.slots[0];
}
const esp_partition_t* esp_ota_get_next_update_partition(const esp_partition_t*) {
  return chip.spare;
}
const esp_partition_t* esp_partition_find_first(esp_partition_type_t type,
                                                esp_partition_subtype_t subtype, const char*) {
  for (const esp_partition_t& partition : chip.partitions) {
    if (partition.type == type && partition.subtype == subtype) {
      return &partition;
    }
  }
  return nullptr;
}
esp_err_t esp_partition_erase_range(const esp_partition_t* partition, size_t offset, size_t size) {
  if (offset % 4096 != 0 || size % 4096 != 0 || offset + size > partition->size || chip.fails) {
    return ESP_FAIL;
  }
  memset(chip.flash.data() + offset, 0xff, size);
  chip.erased += static_cast<unsigned>(size);
  return ESP_OK;
}
esp_err_t esp_partition_write(const esp_partition_t* partition, size_t offset, const void* source,
                              size_t size) {
  const bool unaligned = partition->encrypted && (offset % 16 != 0 || size % 16 != 0);
  if (unaligned || offset + size > partition->size || chip.fails) {
    return ESP_FAIL;
  }
  for (size_t i = 0; i < size; ++i) {
    chip.flash[offset + i] &= static_cast<const uint8_t*>(source)[i];
  }
  return ESP_OK;
}
esp_err_t esp_partition_read(const esp_partition_t* partition, size_t offset, void* out,
                             size_t size) {
  if (offset + size > partition->size || chip.fails) {
    return ESP_FAIL;
  }
  memcpy(out, chip.flash.data() + offset, size);
  return ESP_OK;
}

}  // extern "C"

namespace {

void whichPartition() {
  makePartitions({});
  CHECK(findFilesystem() == nullptr);
  makePartitions({0x02, 0x81});
  CHECK(findFilesystem() != nullptr && findFilesystem()->subtype == ESP_PARTITION_SUBTYPE_DATA_FAT);
  makePartitions({0x81, 0x83});
  CHECK(findFilesystem()->subtype == 0x83);
  makePartitions({0x81, 0x83, 0x82});
  CHECK(findFilesystem()->subtype == ESP_PARTITION_SUBTYPE_DATA_SPIFFS);
}

// What runs is never taken for a place to write to.
void whichSlot() {
  chip.spare = nullptr;
  CHECK(findSpareSlot() == nullptr);
  chip.spare = &chip.slots[0];
  CHECK(findSpareSlot() == nullptr);
  chip.spare = &chip.slots[1];
  CHECK(findSpareSlot() == &chip.slots[1]);
}

void aChipWithoutOne() {
  PartitionFlash flash(nullptr);
  FilesystemSink sink(&flash, flash.whole());
  uint8_t byte = 0;
  CHECK(sink.capacity(ImageKind::Filesystem) == 0);
  CHECK_ERROR(sink.open(ImageKind::Filesystem, 1), Error::FlashOpenFailed);
  CHECK(!flash.erase(0, 4096) && !flash.program(0, Bytes(&byte, 1)) && !flash.read(0, &byte, 1));
}

void writtenInPlace(bool encrypted) {
  for (const size_t size : {size_t(1), size_t(4096), size_t(100001), size_t(kSize)}) {
    makePartitions({0x82}, encrypted);
    PartitionFlash flash(findFilesystem());
    FilesystemSink sink(&flash, flash.whole());
    std::vector<uint8_t> image(size);
    for (size_t i = 0; i < size; ++i) {
      image[i] = static_cast<uint8_t>(i * 7 + 1);
    }
    CHECK(sink.capacity(ImageKind::Filesystem) == kSize);
    CHECK(sink.capacity(ImageKind::Application) == 0);
    CHECK_ERROR(sink.open(ImageKind::Filesystem, size), Error::None);
    CHECK(chip.erased == 0);
    for (size_t at = 0; at < size; at += 1000) {
      const size_t piece = size - at < 1000 ? size - at : 1000;
      CHECK_ERROR(sink.write(Bytes(image.data() + at, piece)), Error::None);
    }
    CHECK_ERROR(sink.seal(), Error::None);
    std::vector<uint8_t> back(size);
    CHECK_ERROR(sink.readBack(0, back.data(), size), Error::None);
    CHECK(back == image);
    CHECK(chip.erased == (size + 4095) / 4096 * 4096);
    CHECK_ERROR(sink.activate(), Error::None);
  }
}

void flashThatFails() {
  makePartitions({0x82});
  PartitionFlash flash(findFilesystem());
  FilesystemSink sink(&flash, flash.whole());
  uint8_t bytes[300] = {};
  CHECK_ERROR(sink.open(ImageKind::Filesystem, kSize + 1), Error::FlashOpenFailed);
  CHECK_ERROR(sink.open(ImageKind::Filesystem, 300), Error::None);
  chip.fails = true;
  CHECK_ERROR(sink.write(Bytes(bytes, sizeof bytes)), Error::FlashWriteFailed);
  CHECK_ERROR(sink.readBack(0, bytes, 10), Error::FlashReadBackMismatch);
}

}  // namespace

int main() {
  whichPartition();
  whichSlot();
  aChipWithoutOne();
  writtenInPlace(false);
  writtenInPlace(true);
  flashThatFails();
  return secureota_test::report();
}
