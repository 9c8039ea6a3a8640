// A connection through a client of the Arduino core: with WiFiClientSecure (NetworkClientSecure in
// core 3.x), TLS. The certificate that the server must have is that client's affair.
#pragma once

#if defined(ARDUINO_ARCH_ESP32)

#include <Client.h>

#include "../../byte_stream.h"

namespace secureota {
namespace esp32 {

class ClientStream final : public ByteStream {
 public:
  explicit ClientStream(Client* client) : client_(client) {}

  SECUREOTA_NODISCARD bool connect(const char* host, uint16_t port) override {
    client_->stop();
    return client_->connect(host, port) == 1;
  }
  size_t read(uint8_t* out, size_t capacity) override {
    if (client_->available() <= 0) {
      return 0;
    }
    const int taken = client_->read(out, capacity);
    return taken > 0 ? static_cast<size_t>(taken) : 0;
  }
  size_t write(Bytes bytes) override { return client_->write(bytes.data, bytes.size); }
  bool ended() override { return client_->available() <= 0 && client_->connected() == 0; }
  void close() override { client_->stop(); }

 private:
  Client* client_;
};

}  // namespace esp32
}  // namespace secureota

#endif
