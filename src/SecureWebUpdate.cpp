#include "SecureWebUpdate.h"

#include <stdio.h>

#include "secureota/facts.h"
#include "secureota/manifest.h"
#include "secureota/web_page.h"

using secureota::Bytes;
using secureota::Endpoint;
using secureota::Error;
using secureota::Port;

SecureWebUpdateClass SecureWebUpdate;

namespace {

// Milliseconds.

// A visitor who says nothing gives way to the next one after this: browsers open connections in
// advance.
const uint32_t kSilence = 250;

// What a visitor sends is read on behind a refusal, so that the refusal can be read there: a
// browser sends everything first, and closing with bytes unread would destroy the answer on its
// way.
const uint32_t kDrainIdle = 2000;
const uint32_t kDrainLimit = 30 * 1000;

// Pieces that are read at once before the sketch has its turn again.
const int kPiecesAtOnce = 64;

}  // namespace

SecureWebUpdateClass::SecureWebUpdateClass()
    : port_(80),
      serving_(false),
      visited_(false),
      said_(false),
      saidAt_(0),
      arrivedAt_(0),
      lastByte_(0) {}

Error SecureWebUpdateClass::Door::claim(secureota::ImageKind kind, secureota::UpdaterParts* parts) {
  return SecureOTA.claim(kind, parts);
}

void SecureWebUpdateClass::Door::release() {
  SecureOTA.release();
}

SecureWebUpdateClass& SecureWebUpdateClass::setPort(uint16_t port) {
  port_ = port;
  return *this;
}

// What the build compiled in; also before SecureOTA.begin().
static Bytes product() {
  secureota::Manifest own;
  const Bytes manifest(secureota_manifest, secureota::kManifestSize);
  const bool known =
      secureota::isManifest(manifest) && secureota::parseManifest(manifest, &own) == Error::None;
  return known ? own.product : Bytes();
}

bool SecureWebUpdateClass::begin() {
  end();
  Port& machine = secureota::port();
  const uint16_t bound =
      machine.networkUp() ? listener_.listen(machine.listenAddress(), port_) : uint16_t(0);
  if (bound == 0) {
    machine.say("can't serve the upload page: no network, or the port is taken");
    return false;
  }
  secureota::WebParts parts;
  parts.door = &door_;
  parts.password = &SecureOTA.password();
  parts.random = &machine.random();
  parts.listener = &SecureOTA.listener();
  parts.hostname = SecureOTA.hostname();
  parts.product = product();
  parts.page = secureota::webPage();
  receiver_.begin(parts);
  serving_ = true;
  char line[48];
  (void)snprintf(line, sizeof line, "upload page on TCP port %u", unsigned(bound));
  machine.say(line);
  return true;
}

void SecureWebUpdateClass::end() {
  if (serving_) {
    receiver_.onClosed();
    receiver_.onLeft();
    visitor_.close();
    listener_.stop();
    visited_ = false;
    serving_ = false;
  }
}

void SecureWebUpdateClass::handle() {
  if (!serving_) {
    return;
  }
  greet();
  for (int i = 0; i < kPiecesAtOnce && visited_ && serve(); ++i) {
  }
  while (visited_ && receiver_.installing()) {
    if (!serve()) {
      SecureOTA.tend();
    }
  }
}

void SecureWebUpdateClass::greet() {
  const uint32_t now = secureota::port().milliseconds();
  receiver_.tick(now);
  if (visited_ && (!receiver_.silent() || now - arrivedAt_ < kSilence)) {
    return;
  }
  Endpoint from;
  if (listener_.accept(&visitor_, &from)) {  // instead of one who was silent
    receiver_.onVisitor(from, now);
    visited_ = true;
    said_ = false;
    arrivedAt_ = now;
    lastByte_ = now;
  }
}

// Did something happen?
bool SecureWebUpdateClass::serve() {
  const bool taken = read();
  const uint32_t now = secureota::port().milliseconds();
  receiver_.tick(now);
  flush(now);
  if (receiver_.answered() && !said_ && receiver_.output().empty()) {
    said_ = true;
    saidAt_ = now;
    visitor_.endWriting();
  }
  if (isOver(now)) {
    leave();
    return false;
  }
  secureota::port().breathe();
  return taken;
}

bool SecureWebUpdateClass::read() {
  const size_t size = visitor_.read(readBuffer_, kReadSize);
  if (size != 0) {
    lastByte_ = secureota::port().milliseconds();
    receiver_.onBytes(Bytes(readBuffer_, size), lastByte_);
  } else if (visitor_.ended()) {
    receiver_.onClosed();
  }
  return size != 0;
}

// `now` as it is judged by afterwards: a byte must not have gone out later than that.
void SecureWebUpdateClass::flush(uint32_t now) {
  for (;;) {
    const size_t size = visitor_.write(receiver_.output());
    if (size == 0) {
      return;
    }
    lastByte_ = now;
    receiver_.sent(size);
  }
}

bool SecureWebUpdateClass::isOver(uint32_t now) {
  return receiver_.answered() &&
         ((visitor_.ended() && receiver_.output().empty()) || now - lastByte_ >= kDrainIdle ||
          (said_ && now - saidAt_ >= kDrainLimit));
}

void SecureWebUpdateClass::leave() {
  visitor_.close();
  visited_ = false;
  receiver_.onLeft();
  if (receiver_.updated()) {
    SecureOTA.finishUpdate();
  }
}
