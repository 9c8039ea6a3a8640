// Fetches signed updates from a web server (docs/other-ways.md):
//
//     #include <SecureHTTPUpdate.h>
//
//     void loop() {
//       SecureOTA.handle();                     // if uploads shall be possible too
//       if (an hour has passed) {
//         SecureHTTPUpdate.update("http://updates.example.com/kitchen-lamp/firmware.signed.bin");
//       }
//     }
//
// The file is the one that `pio run` has signed, on any server: what is installed is decided by its
// signature alone, as with every other way in. HTTPS keeps others from seeing what a device fetches
// and from keeping updates from it; it is not needed to keep images out.
#pragma once

#include "SecureOTA.h"
#include "secureota/byte_stream.h"
#include "secureota/http_pull.h"
#include "secureota/known_file.h"

#if defined(ARDUINO_ARCH_ESP32)
#include <Client.h>
#endif

class SecureHTTPUpdateClass {
 public:
  // Updated is seen only where the sketch has switched off restarts; SecureOTA.lastError() says why
  // one was Refused.
  typedef secureota::HttpPull::Outcome Outcome;

  SecureHTTPUpdateClass();

  // Fetches a container by http:// and installs its application, if it is new. Returns when it is
  // over, which takes as long as the download; callbacks are SecureOTA's. Must be called from the
  // task that calls SecureOTA.handle(), and not from a callback. `url` must stay where it is until
  // then, and have at most 1,024 characters.
  //
  // The image that runs must be confirmed before it can be replaced. Where nothing but this is used
  // (no SecureOTA.handle()), NothingNew is the proof that the next update can come, and the moment
  // for SecureOTA.confirm().
  Outcome update(const char* url);

  // The same over a connection of the caller's, which may speak TLS, for https:// and http://.
  Outcome update(secureota::ByteStream* stream, const char* url);
#if defined(ARDUINO_ARCH_ESP32)
  // A WiFiClientSecure (NetworkClientSecure), say, with the authority set that it shall trust.
  Outcome update(Client& client, const char* url);
#endif

  // The same with the filesystem, in place or staged (docs/updates.md): a sketch that has it
  // mounted gives it back in SecureOTA.onStart(), where getCommand() says U_SPIFFS. NothingNew
  // where the last one that was installed is this one, whatever the sketch has written into it
  // since.
  Outcome updateFilesystem(const char* url);
  Outcome updateFilesystem(secureota::ByteStream* stream, const char* url);
#if defined(ARDUINO_ARCH_ESP32)
  Outcome updateFilesystem(Client& client, const char* url);
#endif

  // Ends a connection over which nothing came for so long; 10,000 ms by default.
  void setTimeout(uint32_t milliseconds) {
    idleTimeout_ = milliseconds;
  }

  // The entity tag under which the server has what runs already; or empty. It is found out by
  // itself, and at a start forgotten: then some kilobytes are read instead of none. A sketch that
  // keeps it, with the URL that it belongs to, gives it back with setEtag().
  size_t etag(char* out, size_t capacity) const;
  void setEtag(const char* etag, const char* url);

  // The same of the filesystem.
  size_t filesystemEtag(char* out, size_t capacity) const;
  void setFilesystemEtag(const char* etag, const char* url);

  // The status of the server's last answer; 0: there was none.
  unsigned httpStatus() const {
    return pull_.status();
  }

 private:
  SecureHTTPUpdateClass(const SecureHTTPUpdateClass&);
  SecureHTTPUpdateClass& operator=(const SecureHTTPUpdateClass&);

  Outcome fetch(secureota::ImageKind kind, const char* url);
  Outcome fetch(secureota::ImageKind kind, secureota::ByteStream* stream, const char* url);
  secureota::HttpPull::Next follow(secureota::HttpPull::Next next, secureota::ByteStream* stream);
  secureota::HttpPull::Next ask(secureota::ByteStream* stream);
  secureota::HttpPull::Next listen(secureota::ByteStream* stream);
  void pause(uint32_t milliseconds);
  bool isLate() const;

  static const size_t kReadSize = 1460;  // bytes of one TCP segment

  secureota::HttpPull pull_;
  uint32_t idleTimeout_;
  uint32_t since_;
  uint32_t lastByte_;
  secureota::KnownFile application_;
  secureota::KnownFile filesystem_;
  uint8_t readBuffer_[kReadSize];
};

extern SecureHTTPUpdateClass SecureHTTPUpdate;
