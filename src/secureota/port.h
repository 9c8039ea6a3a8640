// What the library needs of the machine it runs on. Each directory under port/ implements it once.
#pragma once

#include "announcement.h"
#include "boot_control.h"
#include "bytes.h"
#include "endpoint.h"
#include "error.h"
#include "floor.h"
#include "image_sink.h"
#include "receiver.h"
#include "staged_filesystem.h"

namespace secureota {

enum class StreamState : uint8_t {
  Closed,  // none, refused, or the peer has ended it and everything is read
  Connecting,
  Open,
};

// Nothing here blocks, except where it says so.
class Port {
 public:
  // ---- datagrams ----

  // Starts to receive datagrams. False if the port is taken or there is no network.
  SECUREOTA_NODISCARD virtual bool listen(uint16_t port) = 0;
  virtual void stopListening() = 0;

  // The next datagram, cut to `capacity` bytes; 0 if there is none (or an empty one).
  virtual size_t receiveDatagram(uint8_t* out, size_t capacity, Endpoint* from) = 0;
  virtual void sendDatagram(Bytes datagram, const Endpoint& to) = 0;

  // ---- the one stream ----

  virtual void connect(const Endpoint& to) = 0;

  // Lets peers connect, until stopAccepting: to the TCP port of the same number as the UDP port if
  // it is free, else to any. Returns which; 0 if that is not possible.
  virtual uint16_t startAccepting() = 0;
  virtual void stopAccepting() = 0;

  // Makes the stream of the next connection that waits. False if none does, or if there is a
  // stream.
  SECUREOTA_NODISCARD virtual bool accept(Endpoint* from) = 0;

  virtual StreamState streamState() = 0;

  // 0 if nothing is there now, or if what was written before has not left yet: who does not take
  // our acknowledgements is not read from.
  virtual size_t readStream(uint8_t* out, size_t capacity) = 0;

  // Takes all of it; sends it as soon as it can.
  virtual void writeStream(Bytes bytes) = 0;

  // Tells the peer that nothing more will come.
  virtual void endStream() = 0;

  // Who waits to be accepted goes on waiting.
  virtual void closeStream() = 0;

  // The IPv4 address, in network order, at which servers of this device listen; 0: at all it has.
  virtual uint32_t listenAddress() = 0;

  // A host could reach this device now, as far as the device can tell.
  virtual bool networkUp() = 0;

  // ---- the machine ----

  virtual uint32_t milliseconds() = 0;  // of any origin, wraps around

  // Long work is being done: feeds a watchdog and lets other tasks run.
  virtual void breathe() = 0;

  // Waits a millisecond or so, or until something arrives.
  virtual void wait() = 0;

  // One line, without its end, for whoever reads the log.
  virtual void say(const char* line) = 0;

  // Starts the active slot. Returns only where that failed.
  virtual void restart() = 0;

  // SHA-256 of the image that runs; false if it can't be known. May take a second.
  SECUREOTA_NODISCARD virtual bool runningDigest(const UpdateRecord& record,
                                                 uint8_t out[kSha256Size]) = 0;

  // A name for the device where the sketch gives none: unique, and the same after a restart.
  virtual const char* defaultHostname() = 0;

  virtual void announce(const Announcement& what) = 0;
  virtual void stopAnnouncing() = 0;

  virtual ImageSink& sink() = 0;
  virtual StagedFilesystem& filesystem() = 0;  // behind sink()
  virtual RecordStore& store() = 0;
  virtual BootControl& bootControl() = 0;
  virtual RandomSource& random() = 0;

 protected:
  ~Port() {}
};

// The one that this program was built for.
Port& port();

}  // namespace secureota
