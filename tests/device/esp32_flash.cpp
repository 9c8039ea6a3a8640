// The ESP32 port's flash and record, over an ESP-IDF that is made up: two partitions in memory, an
// otadata, an NVS. Built and run by tests/python/test_esp32_port.py.
#include <esp_image_format.h>
#include <esp_ota_ops.h>
#include <nvs.h>

#include <string>
#include <vector>

#include "check.h"
#include "secureota/port.h"
#include "secureota/port/esp32/nvs_store.h"
#include "secureota/port/esp32/partition_sink.h"
#include "secureota/port/esp32/rollback.h"
#include "secureota/port/esp32/running_image.h"

using secureota::BootState;
using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;
using secureota::esp32::NvsStore;
using secureota::esp32::PartitionSink;
using secureota::esp32::Rollback;

namespace {

const uint32_t kPartitionSize = 16 * 4096;
const uint8_t kImageMagic = 0xe9;

// ---- what stands for ESP-IDF
// ----------------------------------------------------------------------

struct Chip {
  esp_partition_t partitions[2];
  std::vector<uint8_t> flash[2];
  const esp_partition_t* running;
  const esp_partition_t* boot;
  int spares;  // partitions that can be updated besides the running one
  esp_ota_img_states_t states[2];
  bool writing;
  size_t written;
  std::string failing;  // the call that fails
  uint32_t imageLength;
  std::vector<uint8_t> nvs;
  bool committed;

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
    failing.clear();
    imageLength = 3000;
    nvs.clear();
    committed = false;
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

class NoPort final : public secureota::Port {
 public:
  bool listen(uint16_t) override { return false; }
  void stopListening() override {}
  size_t receiveDatagram(uint8_t*, size_t, secureota::Endpoint*) override { return 0; }
  void sendDatagram(Bytes, const secureota::Endpoint&) override {}
  void connect(const secureota::Endpoint&) override {}
  uint16_t startAccepting() override { return 0; }
  void stopAccepting() override {}
  bool accept(secureota::Endpoint*) override { return false; }
  secureota::StreamState streamState() override { return secureota::StreamState::Closed; }
  size_t readStream(uint8_t*, size_t) override { return 0; }
  void writeStream(Bytes) override {}
  void endStream() override {}
  void closeStream() override {}
  uint32_t milliseconds() override { return 0; }
  void breathe() override {}
  void wait() override {}
  void say(const char*) override {}
  void restart() override {}
  bool runningDigest(const secureota::UpdateRecord&, uint8_t*) override { return false; }
  const char* defaultHostname() override { return ""; }
  void announce(const char*, uint16_t, bool) override {}
  void stopAnnouncing() override {}
  secureota::ImageSink& sink() override { return sink_; }
  secureota::RecordStore& store() override { return store_; }
  secureota::BootControl& bootControl() override { return rollback_; }
  secureota::RandomSource& random() override { abort(); }

 private:
  Rollback rollback_;
  PartitionSink sink_;
  NvsStore store_;
};

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
  return ESP_OK;
}
esp_err_t esp_ota_begin(const esp_partition_t* partition, size_t size, esp_ota_handle_t* handle) {
  if (chip.fails("begin") || chip.stateOf(chip.running) == ESP_OTA_IMG_PENDING_VERIFY ||
      partition == chip.running) {
    return ESP_ERR_OTA_ROLLBACK_INVALID_STATE;
  }
  CHECK(size == OTA_WITH_SEQUENTIAL_WRITES);
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
  CHECK(partition != chip.running && offset % 4096 == 0 && size % 4096 == 0);
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

}  // extern "C"

secureota::Port& secureota::port() {
  static NoPort port;
  return port;
}

namespace {

std::vector<uint8_t> image(size_t size, uint8_t first = kImageMagic) {
  std::vector<uint8_t> result(size);
  for (size_t i = 0; i < size; ++i) {
    result[i] = static_cast<uint8_t>(i * 7);
  }
  result[0] = first;
  return result;
}

void install(int slot, const std::vector<uint8_t>& data) {
  memcpy(chip.flash[slot].data(), data.data(), data.size());
}

Error writeImage(PartitionSink* sink, const std::vector<uint8_t>& data) {
  SECUREOTA_TRY(sink->open(ImageKind::Application, data.size()));
  SECUREOTA_TRY(sink->write(Bytes(data.data(), 1000)));
  SECUREOTA_TRY(sink->write(Bytes(data.data() + 1000, data.size() - 1000)));
  return sink->seal();
}

bool spareIsNoImage() {
  return chip.flash[1][0] == 0xff && chip.boot == &chip.partitions[0];
}

void writesReadsBackAndBoots() {
  chip.reset();
  install(0, image(3000));
  PartitionSink sink;
  const std::vector<uint8_t> data = image(5000);
  CHECK(sink.capacity(ImageKind::Application) == kPartitionSize);
  CHECK(sink.capacity(ImageKind::Filesystem) == 0);
  CHECK_ERROR(writeImage(&sink, data), Error::None);
  CHECK(!chip.writing);
  std::vector<uint8_t> back(5000);
  CHECK_ERROR(sink.readBack(0, back.data(), 3000), Error::None);
  CHECK_ERROR(sink.readBack(3000, back.data() + 3000, 2000), Error::None);
  CHECK(back == data);
  CHECK(chip.boot == &chip.partitions[0]);
  CHECK_ERROR(sink.activate(), Error::None);
  CHECK(chip.boot == &chip.partitions[1]);
  sink.abort();  // too late: it boots
  CHECK(chip.boot == &chip.partitions[1] && chip.flash[1][0] == kImageMagic);
}

void everyFailureLeavesTheSpareUnbootable() {
  const struct {
    const char* call;
    Error error;
  } kCalls[] = {{"begin", Error::FlashOpenFailed},
                {"write", Error::FlashWriteFailed},
                {"end", Error::ActivateFailed},
                {"read", Error::FlashReadBackMismatch},
                {"set_boot", Error::ActivateFailed}};
  for (const auto& each : kCalls) {
    chip.reset();
    install(0, image(3000));
    chip.failing = each.call;
    PartitionSink sink;
    Error error = writeImage(&sink, image(5000));
    uint8_t back[100];
    if (error == Error::None) {
      error = sink.readBack(0, back, sizeof back);
    }
    if (error == Error::None) {
      error = sink.activate();
    }
    CHECK_ERROR(error, each.error);
    sink.abort();
    CHECK(spareIsNoImage() && !chip.writing);
    sink.abort();  // twice does no harm
  }
}

void whatIsNoApplicationImage() {
  chip.reset();
  install(0, image(3000));
  PartitionSink sink;
  CHECK_ERROR(writeImage(&sink, image(5000, 'x')), Error::ActivateFailed);
  sink.abort();
  CHECK(spareIsNoImage());
}

void secondUpdateBeforeTheRestart() {
  chip.reset();
  install(0, image(3000));
  PartitionSink sink;
  CHECK_ERROR(writeImage(&sink, image(5000)), Error::None);
  CHECK_ERROR(sink.activate(), Error::None);
  CHECK_ERROR(sink.open(ImageKind::Application, 5000), Error::None);
  CHECK(chip.boot == &chip.partitions[0]);  // half an image must not be what boots
  sink.abort();
  CHECK(spareIsNoImage());
}

void whereThereIsNoPlace() {
  chip.reset();
  install(0, image(3000));
  PartitionSink sink;
  CHECK_ERROR(sink.open(ImageKind::Application, kPartitionSize + 1), Error::FlashOpenFailed);
  CHECK_ERROR(sink.open(ImageKind::Filesystem, 1), Error::FlashOpenFailed);
  chip.stateOf(chip.running) = ESP_OTA_IMG_PENDING_VERIFY;
  CHECK_ERROR(sink.open(ImageKind::Application, 5000), Error::FlashOpenFailed);
  chip.spares = 0;
  CHECK(sink.capacity(ImageKind::Application) == 0);
  CHECK_ERROR(sink.open(ImageKind::Application, 1), Error::FlashOpenFailed);
}

void record() {
  chip.reset();
  NvsStore store;
  uint8_t out[10];
  CHECK(store.load(out, sizeof out) == 0);
  const uint8_t kRecord[] = {1, 2, 3, 4};
  CHECK_ERROR(store.save(Bytes(kRecord, 4)), Error::None);
  CHECK(chip.committed);
  CHECK(store.load(out, sizeof out) == 4 && memcmp(out, kRecord, 4) == 0);
  CHECK(store.load(out, 3) == 0);
  chip.failing = "nvs_set";
  CHECK_ERROR(store.save(Bytes(kRecord, 4)), Error::FlashWriteFailed);
  chip.failing = "nvs_open";
  CHECK_ERROR(store.save(Bytes(kRecord, 4)), Error::FlashWriteFailed);
}

void digestOf(const std::vector<uint8_t>& data, uint8_t out[secureota::kSha256Size]) {
  CHECK_ERROR(
      secureota::digest(secureota::DigestAlgorithm::Sha256, Bytes(data.data(), data.size()), out),
      Error::None);
}

void whatRuns() {
  chip.reset();
  install(0, image(5000));
  secureota::UpdateRecord nothing;
  uint8_t found[secureota::kSha256Size];
  uint8_t wanted[secureota::kSha256Size];
  CHECK(secureota::esp32::digestRunningImage(nothing, found));
  digestOf(image(3000), wanted);  // as long as its segments say
  CHECK(memcmp(found, wanted, sizeof found) == 0);

  secureota::UpdateRecord
      record;  // the file had 4000 bytes: a signature of the platform's behind it
  record.confirmed.size = 4000;
  digestOf(image(4000), record.confirmed.digest);
  CHECK(secureota::esp32::digestRunningImage(record, found));
  CHECK(memcmp(found, record.confirmed.digest, sizeof found) == 0);

  record.confirmed.digest[0] ^= 1;  // not what runs: flashed by cable since
  CHECK(secureota::esp32::digestRunningImage(record, found));
  CHECK(memcmp(found, wanted, sizeof found) == 0);

  record.pending.size = kPartitionSize + 1;
  CHECK(secureota::esp32::digestRunningImage(record, found));
  chip.failing = "metadata";
  CHECK(!secureota::esp32::digestRunningImage(nothing, found));
  chip.failing = "read";
  CHECK(!secureota::esp32::digestRunningImage(nothing, found));
}

void keepsOrGivesUp() {
  chip.reset();
  install(0, image(3000));
  Rollback rollback;
  const struct {
    esp_ota_img_states_t state;
    BootState meaning;
  } kStates[] = {{ESP_OTA_IMG_UNDEFINED, BootState::Unknown},
                 {ESP_OTA_IMG_NEW, BootState::OnTrial},
                 {ESP_OTA_IMG_PENDING_VERIFY, BootState::OnTrial},
                 {ESP_OTA_IMG_VALID, BootState::Kept}};
  for (const auto& each : kStates) {
    chip.states[0] = each.state;
    CHECK(rollback.state() == each.meaning);
  }
  chip.states[0] = ESP_OTA_IMG_PENDING_VERIFY;
  CHECK(!rollback.otherGivenUp());
  CHECK_ERROR(rollback.giveUp(), Error::ActivateFailed);  // there is no other
  CHECK(rollback.state() == BootState::OnTrial);
  chip.failing = "mark_valid";
  CHECK_ERROR(rollback.keep(), Error::ActivateFailed);
  chip.failing.clear();
  CHECK_ERROR(rollback.keep(), Error::None);
  CHECK(rollback.state() == BootState::Kept);

  install(1, image(3000));
  chip.states[1] = ESP_OTA_IMG_ABORTED;
  CHECK(rollback.otherGivenUp());
  (void)(rollback.giveUp() == Error::None);
  CHECK(chip.boot == &chip.partitions[1] && chip.states[0] == ESP_OTA_IMG_INVALID);
  chip.failing = "state";
  CHECK(rollback.state() == BootState::Unknown && !rollback.otherGivenUp());
}

}  // namespace

int main() {
  keepsOrGivesUp();
  writesReadsBackAndBoots();
  everyFailureLeavesTheSpareUnbootable();
  whatIsNoApplicationImage();
  secondUpdateBeforeTheRestart();
  whereThereIsNoPlace();
  record();
  whatRuns();
  return secureota_test::report();
}
