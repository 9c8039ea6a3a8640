// The machine below the library, on ESP32 boards with an unmodified Arduino core (2.0.17 or 3.3.x).
#if defined(ARDUINO_ARCH_ESP32)

#include <Arduino.h>
#include <ESPmDNS.h>
#include <esp_idf_version.h>
#include <esp_netif.h>
#include <esp_system.h>
#include <esp_task_wdt.h>
#if ESP_IDF_VERSION_MAJOR >= 5
#include <esp_random.h>
#endif

#include "../../manifest.h"
#include "../../port.h"
#include "../../sink_by_kind.h"
#include "../../staged_filesystem.h"
#include "../posix/filesystem_sink.h"
#include "../posix/overlapped_sink.h"
#include "../posix/sockets.h"
#include "nvs_store.h"
#include "partition_flash.h"
#include "partition_sink.h"
#include "rollback.h"
#include "running_image.h"

namespace secureota {
namespace esp32 {
namespace {

// Milliseconds between two pauses in which the other tasks of this core run, its idle task among
// them, which feeds a watchdog.
const uint32_t kPauseInterval = 50;

class Esp32Port final : public Port, public RandomSource {
 public:
  Esp32Port()
      : spareFlash_(findSpareSlot()),
        spare_(&spareFlash_, spareFlash_.whole()),
        filesystemFlash_(findFilesystem()),
        inPlace_(&filesystemFlash_, filesystemFlash_.whole()),
        filesystem_(&spare_, &inPlace_),
        byKind_(&application_, &filesystem_),
        sink_(&byKind_),
        lastPause_(0) {
    hostname_[0] = '\0';
  }

  SECUREOTA_NODISCARD bool listen(uint16_t port) override {
    // Sockets exist only once the stack runs. Harmless where WiFi or Ethernet has started it.
    return esp_netif_init() == ESP_OK && sockets_.listen(0, port);
  }
  void stopListening() override { sockets_.stopListening(); }
  size_t receiveDatagram(uint8_t* out, size_t capacity, Endpoint* from) override {
    return sockets_.receiveDatagram(out, capacity, from);
  }
  void sendDatagram(Bytes datagram, const Endpoint& to) override {
    sockets_.sendDatagram(datagram, to);
  }
  void connect(const Endpoint& to) override { sockets_.connect(to); }
  uint16_t startAccepting() override { return sockets_.startAccepting(); }
  void stopAccepting() override { sockets_.stopAccepting(); }
  SECUREOTA_NODISCARD bool accept(Endpoint* from) override { return sockets_.accept(from); }
  StreamState streamState() override { return sockets_.streamState(); }
  size_t readStream(uint8_t* out, size_t capacity) override {
    return sockets_.readStream(out, capacity);
  }
  void writeStream(Bytes bytes) override { sockets_.writeStream(bytes); }
  void endStream() override { sockets_.endStream(); }
  void closeStream() override { sockets_.closeStream(); }

  uint32_t listenAddress() override { return 0; }

  bool networkUp() override {
#if ESP_IDF_VERSION_MAJOR >= 5
    esp_netif_t* const network = esp_netif_get_default_netif();
    return network != nullptr && esp_netif_is_netif_up(network);
#else
    for (esp_netif_t* each = esp_netif_next(nullptr); each != nullptr;
         each = esp_netif_next(each)) {
      if (esp_netif_is_netif_up(each)) {
        return true;
      }
    }
    return false;
#endif
  }

  uint32_t milliseconds() override {
    return static_cast<uint32_t>(millis());
  }

  void breathe() override {
    if (esp_task_wdt_status(nullptr) == ESP_OK) {  // else this task is not watched
      (void)esp_task_wdt_reset();
    }
    if (milliseconds() - lastPause_ >= kPauseInterval) {
      delay(1);
      lastPause_ = milliseconds();
    }
  }

  void wait() override {
    delay(1);
  }

  void say(const char* line) override {
    log_i("%s", line);
    (void)line;  // nobody reads it where the core logs less
  }

  void restart() override {
    delay(100);  // what the sketch has printed, and the last segments, are still on their way
    esp_restart();
  }

  SECUREOTA_NODISCARD bool runningDigest(const UpdateRecord& record,
                                         uint8_t out[kSha256Size]) override {
    return digestRunningImage(record, out);
  }

  const char* defaultHostname() override {
    const uint64_t mac = ESP.getEfuseMac();  // its first byte is the lowest
    (void)snprintf(hostname_, sizeof hostname_, "esp32-%02x%02x%02x%02x%02x%02x", byteOf(mac, 0),
                   byteOf(mac, 1), byteOf(mac, 2), byteOf(mac, 3), byteOf(mac, 4), byteOf(mac, 5));
    return hostname_;
  }

  // enableArduino() adds what the stock firmware says.
  void announce(const Announcement& what) override {
    if (MDNS.begin(what.hostname)) {
      MDNS.enableArduino(what.port, what.password);
      MDNS.addServiceTxt("arduino", "tcp", "secure", "yes");
      addText("product", what.product);
      addText("version", what.version);
    }
  }
  void stopAnnouncing() override {
    MDNS.end();
  }

  ImageSink& sink() override {
    return sink_;
  }
  StagedFilesystem& filesystem() override {
    return filesystem_;
  }
  RecordStore& store() override {
    return store_;
  }
  BootControl& bootControl() override {
    return rollback_;
  }
  RandomSource& random() override {
    return *this;
  }

  // True random while the radio is on, which it is where a nonce is wanted.
  void fill(uint8_t* out, size_t size) override {
    esp_fill_random(out, size);
  }

 private:
  static void addText(const char* key, Bytes value) {
    char text[kMaxVersionSize + 1];  // a version is the longer of the two
    if (!value.empty() && value.size < sizeof text) {
      memcpy(text, value.data, value.size);
      text[value.size] = '\0';
      MDNS.addServiceTxt("arduino", "tcp", key, static_cast<const char*>(text));
    }
  }

  static unsigned byteOf(uint64_t mac, unsigned index) {
    return static_cast<unsigned>(mac >> (8 * index) & 0xff);
  }

  Sockets sockets_;
  PartitionSink application_;
  PartitionFlash spareFlash_;
  posix::FilesystemSink spare_;  // where filesystems are staged
  PartitionFlash filesystemFlash_;
  posix::FilesystemSink inPlace_;
  StagedFilesystem filesystem_;
  SinkByKind byKind_;
  OverlappedSink sink_;  // in front of byKind_
  NvsStore store_;
  Rollback rollback_;
  uint32_t lastPause_;
  char hostname_[sizeof "esp32-001122334455"];
};

}  // namespace
}  // namespace esp32

Port& port() {
  static esp32::Esp32Port machine;
  return machine;
}

}  // namespace secureota

#endif
