// What stands for ESP-IDF in tests: two partitions in memory, an otadata, an NVS, a timer. Any call
// can be made to fail.
#pragma once

#include <esp_image_format.h>
#include <esp_ota_ops.h>
#include <esp_system.h>
#include <esp_timer.h>
#include <nvs.h>
#include <setjmp.h>
#include <string.h>

#include <string>
#include <vector>

#include "check.h"

namespace {

const uint32_t kSectorSize = 4096;
const uint32_t kBlockSize = 64 * 1024;
const uint32_t kPartitionSize = 3 * kBlockSize;
const uint8_t kImageMagic = 0xe9;

struct Chip {
  esp_partition_t partitions[2];
  std::vector<uint8_t> flash[2];
  const esp_partition_t* running;
  const esp_partition_t* boot;
  int spares;  // partitions that can be updated besides the running one
  esp_ota_img_states_t states[2];
  bool writing;
  size_t written;
  std::vector<size_t> erased;  // bytes of the spare partition, one erasure after the other
  std::string failing;         // the call that fails
  uint32_t imageLength;
  std::vector<uint8_t> nvs;
  bool committed;
  void (*timerCallback)(void*);
  uint64_t timer;     // microseconds; 0: it does not run
  jmp_buf restarted;  // where esp_restart() goes

  Chip() { reset(); }

  void reset() {
    for (int i = 0; i < 2; ++i) {
      memset(&partitions[i], 0, sizeof partitions[i]);
      partitions[i].address = 0x10000U + static_cast<uint32_t>(i) * kPartitionSize;
      partitions[i].size = kPartitionSize;
      flash[i].assign(kPartitionSize, 0xff);
    }
    running = boot = &partitions[0];
    spares = 1;
    states[0] = states[1] = ESP_OTA_IMG_UNDEFINED;
    writing = false;
    written = 0;
    erased.clear();
    failing.clear();
    imageLength = 3000;
    nvs.clear();
    committed = false;
    timerCallback = nullptr;
    timer = 0;
  }
  std::vector<uint8_t>& of(const esp_partition_t* partition) {
    return flash[partition - partitions];
  }
  esp_ota_img_states_t& stateOf(const esp_partition_t* partition) {
    return states[partition - partitions];
  }
  bool fails(const char* call) const { return failing == call; }
};

Chip chip;

}  // namespace

extern "C" {

const esp_partition_t* esp_ota_get_running_partition() {
  return chip.running;
}
const esp_partition_t* esp_ota_get_boot_partition() {
  return chip.boot;
}
const esp_partition_t* esp_ota_get_next_update_partition(const esp_partition_t*) {
  return chip.spares == 0 ? nullptr : &chip.partitions[chip.running == &chip.partitions[0] ? 1 : 0];
}
esp_err_t esp_ota_set_boot_partition(const esp_partition_t* partition) {
  if (chip.fails("set_boot") || chip.of(partition)[0] != kImageMagic) {
    return ESP_ERR_OTA_VALIDATE_FAILED;
  }
  chip.boot = partition;
  chip.stateOf(partition) = ESP_OTA_IMG_NEW;  // whatever it was before
  return ESP_OK;
}
esp_err_t esp_ota_begin(const esp_partition_t* partition, size_t size, esp_ota_handle_t* handle) {
  if (chip.fails("begin") || chip.stateOf(chip.running) == ESP_OTA_IMG_PENDING_VERIFY ||
      partition == chip.running) {
    return ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
  }
  CHECK(size != 0 && esp_partition_erase_range(partition, 0, size) == ESP_OK);
  chip.writing = true;
  chip.written = 0;
  *handle = 77;
  return ESP_OK;
}
esp_err_t esp_ota_write(esp_ota_handle_t handle, const void* data, size_t size) {
  CHECK(handle == 77 && chip.writing);
  const uint8_t* bytes = static_cast<const uint8_t*>(data);
  if (chip.fails("write")) {
    return ESP_FAIL;
  }
  if (chip.written == 0 && size != 0 && bytes[0] != kImageMagic) {
    return ESP_ERR_OTA_VALIDATE_FAILED;
  }
  for (size_t i = 0; i < size; ++i) {
    CHECK(chip.flash[1].at(chip.written + i) == 0xff);  // it was erased before
  }
  memcpy(chip.flash[1].data() + chip.written, data, size);
  chip.written += size;
  return ESP_OK;
}
esp_err_t esp_ota_end(esp_ota_handle_t handle) {
  CHECK(handle == 77 && chip.writing);
  chip.writing = false;  // the handle is gone, whatever comes of it
  return chip.fails("end") ? ESP_ERR_OTA_VALIDATE_FAILED : ESP_OK;
}
esp_err_t esp_ota_abort(esp_ota_handle_t handle) {
  CHECK(handle == 77 && chip.writing);
  chip.writing = false;
  return ESP_OK;
}
esp_err_t esp_partition_read(const esp_partition_t* partition, size_t offset, void* out,
                             size_t size) {
  if (chip.fails("read") || offset + size > partition->size) {
    return ESP_FAIL;
  }
  memcpy(out, chip.of(partition).data() + offset, size);
  return ESP_OK;
}
esp_err_t esp_partition_erase_range(const esp_partition_t* partition, size_t offset, size_t size) {
  CHECK(partition != chip.running && offset % kSectorSize == 0 && size % kSectorSize == 0);
  CHECK(offset + size <= partition->size);
  if (chip.fails("erase") && offset != 0) {
    return ESP_FAIL;
  }
  chip.erased.push_back(size);
  memset(chip.of(partition).data() + offset, 0xff, size);
  return ESP_OK;
}
esp_err_t esp_ota_get_state_partition(const esp_partition_t* partition,
                                      esp_ota_img_states_t* state) {
  *state = chip.stateOf(partition);
  return chip.fails("state") ? ESP_FAIL : ESP_OK;
}
esp_err_t esp_ota_mark_app_valid_cancel_rollback() {
  if (chip.fails("mark_valid")) {
    return ESP_FAIL;
  }
  chip.stateOf(chip.running) = ESP_OTA_IMG_VALID;
  return ESP_OK;
}
// Restarts where it succeeds; here it comes back.
esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot() {
  const esp_partition_t* const other = esp_ota_get_next_update_partition(nullptr);
  if (other == nullptr || chip.of(other)[0] != kImageMagic) {
    return ESP_ERR_OTA_ROLLBACK_FAILED;
  }
  chip.stateOf(chip.running) = ESP_OTA_IMG_INVALID;
  chip.boot = other;
  return ESP_OK;
}
esp_err_t esp_image_get_metadata(const esp_partition_pos_t* position,
                                 esp_image_metadata_t* metadata) {
  CHECK(position->offset == chip.running->address && position->size == kPartitionSize);
  metadata->image_len = chip.imageLength;
  return chip.fails("metadata") ? ESP_FAIL : ESP_OK;
}
esp_err_t nvs_open(const char*, nvs_open_mode_t mode, nvs_handle_t* handle) {
  *handle = static_cast<nvs_handle_t>(mode);
  return chip.fails("nvs_open") || (mode == NVS_READONLY && chip.nvs.empty()) ? ESP_FAIL : ESP_OK;
}
esp_err_t nvs_get_blob(nvs_handle_t, const char*, void* out, size_t* size) {
  if (*size < chip.nvs.size()) {
    return ESP_FAIL;  // ESP_ERR_NVS_INVALID_LENGTH
  }
  memcpy(out, chip.nvs.data(), chip.nvs.size());
  *size = chip.nvs.size();
  return ESP_OK;
}
esp_err_t nvs_set_blob(nvs_handle_t handle, const char*, const void* value, size_t size) {
  if (chip.fails("nvs_set") || handle != NVS_READWRITE) {
    return ESP_FAIL;
  }
  const uint8_t* bytes = static_cast<const uint8_t*>(value);
  chip.nvs.assign(bytes, bytes + size);
  chip.committed = false;
  return ESP_OK;
}
esp_err_t nvs_commit(nvs_handle_t) {
  chip.committed = true;
  return ESP_OK;
}
void nvs_close(nvs_handle_t) {}
esp_err_t esp_timer_create(const esp_timer_create_args_t* arguments, esp_timer_handle_t* timer) {
  chip.timerCallback = arguments->callback;
  *timer = reinterpret_cast<esp_timer_handle_t>(&chip.timerCallback);
  return chip.fails("timer_create") ? ESP_FAIL : ESP_OK;
}
esp_err_t esp_timer_start_once(esp_timer_handle_t, uint64_t microseconds) {
  chip.timer = microseconds;
  return ESP_OK;
}
esp_err_t esp_timer_stop(esp_timer_handle_t) {
  chip.timer = 0;
  return ESP_OK;
}
void esp_restart() {
  longjmp(chip.restarted, 1);
}

}  // extern "C"
