// A page that the device serves, to upload a signed update with a browser (docs/other-ways.md):
//
//     #include <SecureWebUpdate.h>
//
//     void setup() {
//       ... connect to the network ...
//       SecureOTA.setPassword("...");       // the page asks for it too
//       SecureWebUpdate.begin();
//     }
//
//     void loop() {
//       SecureOTA.handle();                 // if other uploads shall be possible too
//       SecureWebUpdate.handle();
//     }
//
// It is a small server of its own, driven by handle(). With an asynchronous server a token would be
// verified in that server's task, which a watchdog waits for; this one verifies in loop().
#pragma once

#include "SecureOTA.h"
#include "secureota/port/posix/tcp_stream.h"
#include "secureota/web_receiver.h"

class SecureWebUpdateClass {
 public:
  SecureWebUpdateClass();

  // TCP port; 80 by default. Before begin().
  SecureWebUpdateClass& setPort(uint16_t port);

  // Ends an upload from which nothing came for so long; 10,000 ms by default.
  void setTimeout(uint32_t milliseconds) { receiver_.setIdleTimeout(milliseconds); }

  // Starts to serve. The network must be up. False if the port is taken. Password, name, anchors
  // and callbacks are SecureOTA's.
  bool begin();

  // To be called from loop(), from the task that calls SecureOTA.handle(). Returns at once, except
  // when a token was accepted: then it takes the upload to its end.
  void handle();

  void end();

 private:
  SecureWebUpdateClass(const SecureWebUpdateClass&);
  SecureWebUpdateClass& operator=(const SecureWebUpdateClass&);

  class Door final : public secureota::UpdateDoor {
   public:
    SECUREOTA_NODISCARD secureota::Error claim(secureota::ImageKind kind,
                                               secureota::UpdaterParts* parts) override;
    void release() override;
  };

  void greet();
  bool serve();
  bool read();
  void flush(uint32_t now);
  void leave();
  bool isOver(uint32_t now);

  static const size_t kReadSize = 1460;  // bytes of one TCP segment

  uint16_t port_;
  bool serving_;
  bool visited_;
  bool said_;           // everything, to this visitor
  uint32_t saidAt_;     // when the answer was ready
  uint32_t arrivedAt_;  // when the visitor came
  uint32_t lastByte_;
  Door door_;
  secureota::TcpListener listener_;
  secureota::TcpStream visitor_;
  secureota::WebReceiver receiver_;
  uint8_t readBuffer_[kReadSize];
};

extern SecureWebUpdateClass SecureWebUpdate;
