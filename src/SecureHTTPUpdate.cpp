#include "SecureHTTPUpdate.h"

#include "secureota/port/posix/tcp_stream.h"
#include "secureota/text.h"
#if defined(ARDUINO_ARCH_ESP32)
#include "secureota/port/esp32/client_stream.h"
#endif

using secureota::Bytes;
using secureota::ByteStream;
using secureota::Error;
using secureota::HttpPull;
using secureota::ImageKind;
using secureota::KnownFile;
using secureota::Port;
using secureota::UpdateListener;

typedef HttpPull::Next Next;
typedef HttpPull::Outcome Outcome;

SecureHTTPUpdateClass SecureHTTPUpdate;

// Milliseconds before a connection that broke is made again: so long, doubled with each one in a
// row that brought nothing. Others will come back at the same time.
static const uint32_t kFirstPause = 250;

SecureHTTPUpdateClass::SecureHTTPUpdateClass()
    : idleTimeout_(secureota::kDefaultIdleTimeout), since_(0), lastByte_(0) {}

Outcome SecureHTTPUpdateClass::update(const char* url) {
  return fetch(ImageKind::Application, url);
}

Outcome SecureHTTPUpdateClass::update(ByteStream* stream, const char* url) {
  return fetch(ImageKind::Application, stream, url);
}

Outcome SecureHTTPUpdateClass::updateFilesystem(const char* url) {
  return fetch(ImageKind::Filesystem, url);
}

Outcome SecureHTTPUpdateClass::updateFilesystem(ByteStream* stream, const char* url) {
  return fetch(ImageKind::Filesystem, stream, url);
}

#if defined(ARDUINO_ARCH_ESP32)
Outcome SecureHTTPUpdateClass::update(Client& client, const char* url) {
  secureota::esp32::ClientStream stream(&client);
  return fetch(ImageKind::Application, &stream, url);
}

Outcome SecureHTTPUpdateClass::updateFilesystem(Client& client, const char* url) {
  secureota::esp32::ClientStream stream(&client);
  return fetch(ImageKind::Filesystem, &stream, url);
}
#endif

Outcome SecureHTTPUpdateClass::fetch(ImageKind kind, const char* url) {
  secureota::TcpStream stream;
  // It can't speak TLS, and nothing must look as if it did.
  const bool tls = secureota::startsWith(secureota::asBytes(url), "https:");
  return fetch(kind, tls ? nullptr : &stream, url);
}

Outcome SecureHTTPUpdateClass::fetch(ImageKind kind, ByteStream* stream, const char* url) {
  secureota::UpdaterParts parts;
  const Error claimed = SecureOTA.claim(kind, &parts);
  if (claimed != Error::None) {
    return Outcome::Refused;
  }
  parts.unattended = true;
  since_ = secureota::port().milliseconds();
  // A filesystem that is lost is fetched, whatever the server had when it was there.
  const bool isThere = kind == ImageKind::Application || parts.floor->filesystemIsWhole();
  KnownFile& known = kind == ImageKind::Application ? application_ : filesystem_;
  const Bytes name = secureota::asBytes(url);
  Next next = pull_.begin(parts, kind, stream == nullptr ? Bytes() : name,
                          isThere ? known.etagFor(name) : Bytes());
  while (next != Next::Done) {
    next = follow(next, stream);
  }
  if (stream != nullptr) {
    stream->close();
  }
  known.set(name, pull_.etag());
  SecureOTA.release();
  if (pull_.outcome() == HttpPull::Outcome::Updated) {
    SecureOTA.finishUpdate();
  }
  return pull_.outcome();
}

Next SecureHTTPUpdateClass::follow(Next next, ByteStream* stream) {
  if (isLate()) {
    return pull_.giveUp(Error::TimedOut);
  }
  return next == Next::Connect ? ask(stream) : listen(stream);
}

Next SecureHTTPUpdateClass::ask(ByteStream* stream) {
  if (pull_.fruitless() != 0) {
    pause(kFirstPause << (pull_.fruitless() - 1));
  }
  char host[secureota::kMaxHostSize + 1];
  const Bytes name = pull_.url().host;
  memcpy(host, name.data, name.size);
  host[name.size] = '\0';
  if (!stream->connect(host, pull_.url().port)) {
    return pull_.onClosed(Error::ConnectionLost);
  }
  lastByte_ = secureota::port().milliseconds();
  Bytes rest = pull_.request();
  while (!rest.empty()) {
    const size_t sent = stream->write(rest);
    rest = Bytes(rest.data + sent, rest.size - sent);
    if (stream->ended() || secureota::port().milliseconds() - lastByte_ >= idleTimeout_) {
      return pull_.onClosed(Error::ConnectionLost);
    }
    if (sent == 0) {
      SecureOTA.tend();
    }
  }
  return Next::Read;
}

Next SecureHTTPUpdateClass::listen(ByteStream* stream) {
  const size_t size = stream->read(readBuffer_, kReadSize);
  const uint32_t now = secureota::port().milliseconds();
  if (size != 0) {
    lastByte_ = now;
    secureota::port().breathe();
    return pull_.onBytes(Bytes(readBuffer_, size));
  }
  if (stream->ended()) {
    return pull_.onClosed(Error::ConnectionLost);
  }
  if (now - lastByte_ >= idleTimeout_) {
    return pull_.onClosed(Error::TimedOut);
  }
  SecureOTA.tend();
  return Next::Read;
}

void SecureHTTPUpdateClass::pause(uint32_t milliseconds) {
  Port& port = secureota::port();
  const uint32_t from = port.milliseconds();
  while (port.milliseconds() - from < milliseconds) {
    SecureOTA.tend();
  }
}

bool SecureHTTPUpdateClass::isLate() const {
  return secureota::port().milliseconds() - since_ >= secureota::kTransferTimeout;
}

// ---- the entity tag ----

static size_t copy(Bytes etag, char* out, size_t capacity) {
  if (etag.empty() || etag.size >= capacity) {
    return 0;
  }
  memcpy(out, etag.data, etag.size);
  out[etag.size] = '\0';
  return etag.size;
}

size_t SecureHTTPUpdateClass::etag(char* out, size_t capacity) const {
  return copy(application_.etag(), out, capacity);
}

void SecureHTTPUpdateClass::setEtag(const char* etag, const char* url) {
  application_.set(secureota::asBytes(url), secureota::asBytes(etag));
}

size_t SecureHTTPUpdateClass::filesystemEtag(char* out, size_t capacity) const {
  return copy(filesystem_.etag(), out, capacity);
}

void SecureHTTPUpdateClass::setFilesystemEtag(const char* etag, const char* url) {
  filesystem_.set(secureota::asBytes(url), secureota::asBytes(etag));
}
