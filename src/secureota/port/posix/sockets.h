// The network through BSD sockets: Linux, macOS, and lwIP on the ESP32, which has the same calls.
#pragma once

#include "platform.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include "../../port.h"

namespace secureota {

// One socket for datagrams, one for the stream, and one to which a peer may connect, all of them
// non-blocking. IPv4.
class Sockets {
 public:
  Sockets();

  // `address` is where to listen, in network order. `port` 0 takes any that is free.
  SECUREOTA_NODISCARD bool listen(uint32_t address, uint16_t port);
  void stopListening();
  uint16_t listeningPort() const { return listeningPort_; }

  // From now on a stream's peer may send so many bytes ahead, in segments as lwIP's: a computer
  // then receives as a chip does. 0: as the system has it.
  void limitReceiveBuffer(int bytes) { receiveBuffer_ = bytes; }

  size_t receiveDatagram(uint8_t* out, size_t capacity, Endpoint* from);
  void sendDatagram(Bytes datagram, const Endpoint& to);

  void connect(const Endpoint& to);
  uint16_t startAccepting();
  void stopAccepting();
  SECUREOTA_NODISCARD bool accept(Endpoint* from);
  StreamState streamState();
  size_t readStream(uint8_t* out, size_t capacity);
  void writeStream(Bytes bytes);
  void endStream();
  void closeStream();

  // Waits until something can be read, or a connection stands or was asked for, or the time is
  // over.
  void wait(uint32_t milliseconds);

 private:
  void limitReceiving(int fd) const;
  void flush();
  bool isConnected();
  uint16_t openListener(uint16_t port);

  int datagrams_;     // -1: closed
  uint32_t address_;  // in network order
  uint16_t listeningPort_;
  int receiveBuffer_;  // bytes; 0: the system's
  int listener_;       // -1: closed
  uint16_t acceptingPort_;
  int stream_;  // -1: closed
  bool connecting_;
  bool peerEnded_;
  bool ending_;  // endStream was asked for

  // What the peer has not taken yet: acknowledgements and one verdict.
  static const size_t kOutboxSize = 256;
  uint8_t outbox_[kOutboxSize];
  size_t outboxSize_;
};

}  // namespace secureota

#endif
