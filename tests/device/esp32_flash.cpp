// The ESP32 port's flash, record and rollback, over an ESP-IDF that is made up. Built and run by
// tests/python/test_esp32_port.py.
#include <algorithm>

#include "check.h"
#include "pretend_idf.h"
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

class NoPort final : public secureota::Port {
 public:
  bool listen(uint16_t) override { return false; }
  uint32_t listenAddress() override { return 0; }
  bool networkUp() override { return false; }
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
  void announce(const secureota::Announcement&) override {}
  void stopAnnouncing() override {}
  secureota::ImageSink& sink() override { return sink_; }
  secureota::StagedFilesystem& filesystem() override { abort(); }
  secureota::RecordStore& store() override { return store_; }
  secureota::BootControl& bootControl() override { return rollback_; }
  secureota::RandomSource& random() override { abort(); }

 private:
  Rollback rollback_;
  PartitionSink sink_;
  NvsStore store_;
};

}  // namespace

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

// Blocks where that is quicker and the partition reaches so far, and no more than the image needs.
void erasesInBlocksAsTheBytesCome() {
  const size_t kSector = kSectorSize;
  const size_t kBlock = kBlockSize;
  const struct {
    uint32_t partition;  // bytes
    size_t image;
    std::vector<size_t> erased;
  } kCases[] = {
      {kPartitionSize, 1, {kSector}},
      {kPartitionSize, 3 * kSector, {kSector, kSector, kSector}},
      {kPartitionSize, 3 * kSector + 1, {kBlock}},
      {kPartitionSize, kBlock, {kBlock}},
      {kPartitionSize, 2 * kBlock + 5000, {kBlock, kBlock, kSector, kSector}},
      {kPartitionSize, kPartitionSize, {kBlock, kBlock, kBlock}},
      {kBlockSize + 4 * kSectorSize,
       kBlock + 4 * kSector,
       {kBlock, kSector, kSector, kSector, kSector}},
  };
  for (const auto& each : kCases) {
    for (int ahead = 0; ahead < 2; ++ahead) {
      chip.reset();
      install(0, image(3000));
      install(1, image(kPartitionSize, 0));
      chip.partitions[1].size = each.partition;
      PartitionSink sink;
      const std::vector<uint8_t> data = image(each.image);
      CHECK_ERROR(sink.open(ImageKind::Application, data.size()), Error::None);
      CHECK(chip.erased.size() == 1);
      while (ahead != 0 && sink.eraseAhead()) {
      }
      CHECK(ahead == 0 || chip.erased == each.erased);
      for (size_t at = 0; at < data.size(); at += 1000) {
        const size_t size = data.size() - at < 1000 ? data.size() - at : 1000;
        CHECK_ERROR(sink.write(Bytes(data.data() + at, size)), Error::None);
      }
      CHECK(chip.erased == each.erased && !sink.eraseAhead());
      CHECK_ERROR(sink.write(Bytes(data.data(), 1)), Error::FlashWriteFailed);
      CHECK_ERROR(sink.seal(), Error::None);
      CHECK(std::equal(data.begin(), data.end(), chip.flash[1].begin()));
    }
  }
}

void everyFailureLeavesTheSpareUnbootable() {
  const struct {
    const char* call;
    Error error;
  } kCalls[] = {{"begin", Error::FlashOpenFailed},      {"erase", Error::FlashWriteFailed},
                {"write", Error::FlashWriteFailed},     {"end", Error::ActivateFailed},
                {"read", Error::FlashReadBackMismatch}, {"set_boot", Error::ActivateFailed}};
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
  chip.states[0] = ESP_OTA_IMG_VALID;
  PartitionSink sink;
  CHECK_ERROR(writeImage(&sink, image(5000)), Error::None);
  CHECK_ERROR(sink.activate(), Error::None);
  CHECK_ERROR(sink.open(ImageKind::Application, 5000), Error::None);
  CHECK(chip.boot == &chip.partitions[0]);     // half an image must not be what boots
  CHECK(chip.states[0] == ESP_OTA_IMG_VALID);  // nor what runs be on trial again
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
  record.application.confirmed.size = 4000;
  digestOf(image(4000), record.application.confirmed.digest);
  CHECK(secureota::esp32::digestRunningImage(record, found));
  CHECK(memcmp(found, record.application.confirmed.digest, sizeof found) == 0);

  record.application.confirmed.digest[0] ^= 1;  // not what runs: flashed by cable since
  CHECK(secureota::esp32::digestRunningImage(record, found));
  CHECK(memcmp(found, wanted, sizeof found) == 0);

  record.application.pending.size = kPartitionSize + 1;
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
  CHECK(!rollback.otherGivenUp() && !rollback.otherWaits());
  chip.boot = &chip.partitions[1];
  CHECK(rollback.otherWaits());
  chip.boot = chip.running;
  CHECK_ERROR(rollback.giveUp(), Error::ActivateFailed);  // there is no other
  chip.failing = "timer_create";
  rollback.limitTrial(5);
  CHECK(chip.timer == 0);
  chip.failing.clear();
  rollback.limitTrial(0);
  CHECK(chip.timer == 0);
  rollback.limitTrial(4000000);
  CHECK(chip.timer == 4000000 * UINT64_C(1000000));
  rollback.limitTrial(3600);
  CHECK(chip.timer == 3600 * UINT64_C(1000000));
  if (setjmp(chip.restarted) == 0) {
    chip.timerCallback(nullptr);
    CHECK(!"restarted");
  }
  CHECK(rollback.state() == BootState::OnTrial);
  chip.failing = "mark_valid";
  CHECK_ERROR(rollback.keep(), Error::ActivateFailed);
  chip.failing.clear();
  CHECK_ERROR(rollback.keep(), Error::None);
  CHECK(rollback.state() == BootState::Kept && chip.timer == 0);
  rollback.limitTrial(3600);
  CHECK(chip.timer == 0);

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
  erasesInBlocksAsTheBytesCome();
  everyFailureLeavesTheSpareUnbootable();
  whatIsNoApplicationImage();
  secondUpdateBeforeTheRestart();
  whereThereIsNoPlace();
  record();
  whatRuns();
  return secureota_test::report();
}
