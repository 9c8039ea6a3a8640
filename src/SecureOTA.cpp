#include "SecureOTA.h"

#include <stdio.h>

#include "secureota/facts.h"

using secureota::Actions;
using secureota::Bytes;
using secureota::Endpoint;
using secureota::Error;
using secureota::ImageKind;
using secureota::Port;
using secureota::StreamState;

SecureOTAClass SecureOTA;

SecureOTAClass::SecureOTAClass()
    : port_(0),
      listening_(false),
      restartOnSuccess_(true),
      announce_(true),
      factsLoaded_(false),
      trialPrepared_(false),
      filesystemPrepared_(false),
      streaming_(false),
      lastError_(Error::None),
      reporter_(this),
      runningDigestKnown_(false) {
  hostname_[0] = '\0';
  hardware_[0] = '\0';
}

#if defined(ARDUINO_ARCH_ESP32)
// Arduino asks before setup(): else it would confirm the image there. It stands in this file
// because every sketch that uses SecureOTA links it: in one of its own the core's default could
// win.
extern "C" bool verifyRollbackLater() {
  secureota::port().bootControl().limitTrial(secureota::kTrialLimit);
  return true;
}
#endif

bool SecureOTAClass::note(Error error) {
  if (error != Error::None) {
    lastError_ = error;
  }
  return error == Error::None;
}

// ---- begin and end
// -------------------------------------------------------------------------------

void SecureOTAClass::begin() {
  if (listening_) {
    return;
  }
  Port& port = secureota::port();
  if (port_ == 0) {
    port_ = 3232;
  }
  (void)hostname();
  prepareReceiver();
  listening_ = port.listen(port_);
  if (!listening_) {
    port.say("can't listen: no network, or the port is taken");
  } else if (announce_) {
    announce();
  }
}

void SecureOTAClass::announce() {
  secureota::Announcement what;
  what.hostname = hostname_;
  what.port = port_;
  what.password = password_.isSet();
  what.product = own_.product;
  what.version = own_.version;
  secureota::port().announce(what);
}

void SecureOTAClass::prepareReceiver() {
  Port& port = secureota::port();
  loadFacts();
  prepareFilesystem();
  repairFilesystem();
  secureota::ReceiverParts parts;
  parts.updater.sink = &port.sink();
  parts.updater.floor = &floor_;
  parts.updater.anchors = &anchors_;
  parts.updater.rules = &rules_;
  parts.updater.listener = &reporter_;
  parts.updater.buffer = tokenBuffer_;
  parts.updater.bufferSize = sizeof tokenBuffer_;
  parts.updater.runningDigest = runningDigestKnown_ ? runningDigest_ : nullptr;
  parts.updater.own = &own_;
  parts.updater.trial = &trial_;
  parts.updater.filesystem = &port.filesystem();
  parts.password = &password_;
  parts.random = &port.random();
  parts.facts = &reporter_;
  receiver_.begin(parts);
}

// What the build compiled in. An anchor that can't be used is left out, which can only mean that
// less is accepted.
void SecureOTAClass::loadFacts() {
  if (!factsLoaded_) {
    factsLoaded_ = true;
    (void)addTrustAnchors(secureota_trust_anchors, secureota_trust_anchors_size);
    (void)note(
        policies_.addAll(Bytes(secureota_required_policies, secureota_required_policies_size)));
    applyPolicies();
    rules_.denied =
        reinterpret_cast<const uint8_t(*)[secureota::kSha256Size]>(secureota_denied_keys);
    rules_.deniedCount = secureota_denied_keys_size / secureota::kSha256Size;
    if (secureota_denied_keys_size % secureota::kSha256Size != 0) {
      (void)requirePolicy("");  // half a key can't be denied, so nothing is accepted
    }
    const Bytes manifest(secureota_manifest, secureota::kManifestSize);
    if (secureota::isManifest(manifest) && !note(secureota::parseManifest(manifest, &own_))) {
      (void)requirePolicy("");  // it can't be known what is for this device
    }
    applyHardware();
  }
  if (anchors_.count() == 0) {
    secureota::port().say("no trust anchor: every update will be refused");
  }
}

void SecureOTAClass::end() {
  if (!listening_) {
    return;
  }
  Port& port = secureota::port();
  receiver_.end();
  port.closeStream();
  port.stopAccepting();
  port.stopListening();
  if (announce_) {
    port.stopAnnouncing();
  }
  streaming_ = false;
  listening_ = false;
}

// ---- running
// -------------------------------------------------------------------------------------

void SecureOTAClass::handle() {
  if (!listening_) {
    return;
  }
  confirmWhenDue();
  receiveDatagrams();
  acceptPeers();
  perform(receiver_.tick(secureota::port().milliseconds()));
  while (streaming_) {
    serveStream();
    receiveDatagrams();
    perform(receiver_.tick(secureota::port().milliseconds()));
  }
}

void SecureOTAClass::receiveDatagrams() {
  Port& port = secureota::port();
  Endpoint from;
  const size_t size = port.receiveDatagram(readBuffer_, secureota::kMaxDatagramSize + 1, &from);
  if (size != 0) {
    perform(receiver_.onDatagram(Bytes(readBuffer_, size), from, port.milliseconds()));
  }
}

// Until one may send. Those who may not must not keep that one waiting, nor us busy for long.
void SecureOTAClass::acceptPeers() {
  Port& port = secureota::port();
  const int kAtOnce = 8;
  Endpoint from;
  for (int i = 0; i < kAtOnce && !streaming_ && port.accept(&from); ++i) {
    streaming_ = true;
    perform(receiver_.onAccepted(from, port.milliseconds()));
  }
}

void SecureOTAClass::serveStream() {
  Port& port = secureota::port();
  switch (port.streamState()) {
    case StreamState::Connecting:
      port.wait();
      break;
    case StreamState::Closed:
      streaming_ = false;
      perform(receiver_.onConnectionFailed());
      perform(receiver_.onStreamClosed());
      break;
    case StreamState::Open: {
      perform(receiver_.onConnected(port.milliseconds()));
      const size_t size = port.readStream(readBuffer_, kReadSize);
      if (size != 0) {
        perform(receiver_.onStream(Bytes(readBuffer_, size), port.milliseconds()));
      } else {
        port.wait();
      }
      break;
    }
  }
  port.breathe();
}

void SecureOTAClass::perform(const Actions& actions) {
  Port& port = secureota::port();
  if (actions.closeFirst) {
    port.closeStream();
    port.stopAccepting();
    streaming_ = false;
  }
  if (actions.stopListening) {
    port.stopAccepting();
  }
  if (!actions.datagram.empty()) {
    port.sendDatagram(actions.datagram, actions.datagramTo);
  }
  if (actions.connect) {
    port.connect(actions.connectTo);
    streaming_ = true;
  }
  if (!actions.stream.empty()) {
    port.writeStream(actions.stream);
  }
  if (actions.endStream) {
    port.endStream();
  }
  if (actions.close) {
    port.closeStream();
    streaming_ = false;
  }
  if (actions.restart) {
    finishUpdate();
  }
  if (actions.listen) {
    perform(receiver_.onListening(port.startAccepting(), port.milliseconds()));
  }
}

void SecureOTAClass::finishUpdate() {
  if (endCallback_) {
    endCallback_();
  }
  if (restartOnSuccess_) {
    secureota::port().restart();
    secureota::port().say("the new image does not start; the old one runs on");
  }
}

// ---- other ways in
// -----------------------------------------------------------------------------

Error SecureOTAClass::claim(ImageKind kind, secureota::UpdaterParts* parts) {
  if (!listening_) {
    prepareReceiver();
  }
  const Error error = receiver_.hold(kind, parts);
  (void)note(error);
  return error;
}

void SecureOTAClass::tend() {
  Port& port = secureota::port();
  port.breathe();
  if (listening_) {
    confirmWhenDue();
    receiveDatagrams();
  }
  port.wait();
}

const char* SecureOTAClass::hostname() {
  if (hostname_[0] == '\0') {
    (void)snprintf(hostname_, sizeof hostname_, "%s", secureota::port().defaultHostname());
  }
  return hostname_;
}

void SecureOTAClass::release() {
  receiver_.release();
}

int SecureOTAClass::getCommand() const {
  return receiver_.kind() == ImageKind::Application ? U_FLASH : U_SPIFFS;
}
