// The machine below the library, on Linux and macOS.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <string>

#include "../../port.h"
#include "flash.h"
#include "multicast_dns.h"
#include "overlapped_sink.h"
#include "sockets.h"
#include "supervisor.h"

namespace secureota {
namespace posix {

class PosixPort final : public Port, public RandomSource {
 public:
  PosixPort();

  Flash& flash() { return flash_; }

  // Where to listen; wins over what the sketch says. In network order, and -1 for "as the sketch
  // says".
  void listenOn(uint32_t address, int port);

  // Announces the device under this name, whatever the sketch calls it; "": not at all. Devices in
  // tests would show up in other people's lists.
  void announceAs(const std::string& name) { announcedName_ = name; }

  void limitReceiveBuffer(int bytes) { sockets_.limitReceiveBuffer(bytes); }

  // What the boot stage said: the slot that runs, and where to report.
  void boot(int slot, int reports);

  // Somebody else has the port.
  bool listenFailed() const { return listenFailed_; }

  void waitFor(uint32_t milliseconds) { sockets_.wait(milliseconds); }

  SECUREOTA_NODISCARD bool listen(uint16_t port) override;
  void stopListening() override { sockets_.stopListening(); }
  size_t receiveDatagram(uint8_t* out, size_t capacity, Endpoint* from) override;
  void sendDatagram(Bytes datagram, const Endpoint& to) override;
  void connect(const Endpoint& to) override { sockets_.connect(to); }
  uint16_t startAccepting() override { return sockets_.startAccepting(); }
  void stopAccepting() override { sockets_.stopAccepting(); }
  SECUREOTA_NODISCARD bool accept(Endpoint* from) override { return sockets_.accept(from); }
  StreamState streamState() override { return sockets_.streamState(); }
  size_t readStream(uint8_t* out, size_t capacity) override;
  void writeStream(Bytes bytes) override { sockets_.writeStream(bytes); }
  void endStream() override { sockets_.endStream(); }
  void closeStream() override { sockets_.closeStream(); }
  uint32_t listenAddress() override { return address_; }
  bool networkUp() override { return true; }
  uint32_t milliseconds() override;
  void breathe() override;
  void wait() override { sockets_.wait(1); }
  void say(const char* line) override;
  void restart() override;
  SECUREOTA_NODISCARD bool runningDigest(const UpdateRecord& record,
                                         uint8_t out[kSha256Size]) override;
  const char* defaultHostname() override { return "emulated-device"; }
  void announce(const Announcement& what) override;
  void stopAnnouncing() override { multicastDns_.end(); }
  ImageSink& sink() override { return sink_; }
  StagedFilesystem& filesystem() override { return flash_.filesystem(); }
  RecordStore& store() override { return flash_; }
  BootControl& bootControl() override { return flash_.control(); }
  RandomSource& random() override { return *this; }

  void fill(uint8_t* out, size_t size) override;

 private:
  Flash flash_;
  OverlappedSink sink_;  // in front of flash_
  Sockets sockets_;
  uint32_t address_;
  int port_;
  bool listenFailed_;
  std::string announcedName_;
  MulticastDns multicastDns_;
  Reports reports_;
  uint32_t lastReport_;  // milliseconds()
};

PosixPort& posixPort();

}  // namespace posix
}  // namespace secureota

#endif
