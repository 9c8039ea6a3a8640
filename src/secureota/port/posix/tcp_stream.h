// TCP through BSD sockets, for HTTP: Linux, macOS, and lwIP on the ESP32. IPv4, non-blocking.
#pragma once

#include "platform.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include "../../byte_stream.h"
#include "../../endpoint.h"

namespace secureota {

// Milliseconds until a connection must stand; the name is looked up before, by the system.
const uint32_t kTcpConnectTimeout = 10 * 1000;

class TcpStream final : public ByteStream {
 public:
  TcpStream() : fd_(-1), ended_(true) {}
  ~TcpStream() { close(); }

  SECUREOTA_NODISCARD bool connect(const char* host, uint16_t port) override;
  size_t read(uint8_t* out, size_t capacity) override;
  size_t write(Bytes bytes) override;
  bool ended() override { return ended_; }

  // Tells the peer that nothing more will come.
  void endWriting();

  void close() override;

 private:
  friend class TcpListener;
  TcpStream(const TcpStream&);
  TcpStream& operator=(const TcpStream&);
  void use(int fd);
  bool awaitConnection();

  int fd_;  // -1: closed
  bool ended_;
};

// Takes connections that peers make.
class TcpListener {
 public:
  TcpListener() : fd_(-1) {}
  ~TcpListener() { stop(); }

  // `address` in network order; `port` 0 takes any that is free. Returns which; 0 if that is not
  // possible.
  uint16_t listen(uint32_t address, uint16_t port);
  void stop();

  // Makes `stream`, which is closed for that, the connection that waits longest. False if none
  // does.
  SECUREOTA_NODISCARD bool accept(TcpStream* stream, Endpoint* from);

 private:
  TcpListener(const TcpListener&);
  TcpListener& operator=(const TcpListener&);

  int fd_;  // -1: closed
};

}  // namespace secureota

#endif
