#include "SecureOTA.h"

#include <stdio.h>

#include <utility>

#include "secureota/facts.h"
#include "secureota/refusal.h"
#include "secureota/text.h"
#include "secureota/time_text.h"

using secureota::Actions;
using secureota::Bytes;
using secureota::Endpoint;
using secureota::Error;
using secureota::ImageKind;
using secureota::Port;
using secureota::Refusal;
using secureota::StreamState;
using secureota::VerifiedToken;

SecureOTAClass SecureOTA;

SecureOTAClass::SecureOTAClass()
    : port_(0),
      listening_(false),
      restartOnSuccess_(true),
      announce_(true),
      factsLoaded_(false),
      trialPrepared_(false),
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

// ---- before begin()
// ------------------------------------------------------------------------------

// As in ArduinoOTA, the first value counts.
SecureOTAClass& SecureOTAClass::setPort(uint16_t port) {
  if (!listening_ && port_ == 0) {
    port_ = port;
  }
  return *this;
}

SecureOTAClass& SecureOTAClass::setHostname(const char* hostname) {
  if (!listening_ && hostname_[0] == '\0' && hostname != nullptr) {
    (void)snprintf(hostname_, sizeof hostname_, "%s", hostname);
  }
  return *this;
}

SecureOTAClass& SecureOTAClass::setPassword(const char* password) {
  (void)note(password_.set(password));
  return *this;
}

SecureOTAClass& SecureOTAClass::setPasswordHash(const char* hash) {
  if (hash != nullptr && !note(password_.setHash(hash))) {
    password_.refuseAll();
  }
  return *this;
}

SecureOTAClass& SecureOTAClass::setAllowMd5Password(bool allowed) {
  password_.allowMd5(allowed);
  return *this;
}

SecureOTAClass& SecureOTAClass::setRebootOnSuccess(bool restart) {
  restartOnSuccess_ = restart;
  return *this;
}

SecureOTAClass& SecureOTAClass::setMdnsEnabled(bool enabled) {
  announce_ = enabled;
  return *this;
}

SecureOTAClass& SecureOTAClass::setTimeout(int milliseconds) {
  if (milliseconds > 0) {
    receiver_.setIdleTimeout(static_cast<uint32_t>(milliseconds));
  }
  return *this;
}

bool SecureOTAClass::addTrustAnchor(const uint8_t* der, size_t size) {
  return note(anchors_.add(Bytes(der, size)));
}

bool SecureOTAClass::addTrustAnchors(const uint8_t* der, size_t size) {
  return note(anchors_.addAll(Bytes(der, size)));
}

bool SecureOTAClass::requirePolicy(const char* oid) {
  const bool added = note(policies_.add(oid));
  applyPolicies();
  return added;
}

// At once, also if the device is listening already.
void SecureOTAClass::applyPolicies() {
  rules_.policies = policies_.policies();
  rules_.policyCount = policies_.count();
}

bool SecureOTAClass::setHardware(const char* revision) {
  const bool good = revision != nullptr && *revision != '\0' &&
                    secureota::isManifestName(secureota::asBytes(revision), sizeof hardware_ - 1);
  // No image can name "?".
  (void)snprintf(hardware_, sizeof hardware_, "%s", good ? revision : "?");
  applyHardware();
  return good;
}

void SecureOTAClass::applyHardware() {
  if (hardware_[0] != '\0') {
    own_.hardware[0] = secureota::asBytes(hardware_);
    own_.hardwareCount = 1;
  }
}

SecureOTAClass& SecureOTAClass::setConfirmAfter(uint32_t seconds) {
  trial_.setConfirmAfter(seconds);
  return *this;
}

SecureOTAClass& SecureOTAClass::setConfirmAutomatically(bool automatic) {
  trial_.setAutomatic(automatic);
  return *this;
}

SecureOTAClass& SecureOTAClass::setConfirmLimit(uint32_t seconds) {
  secureota::port().bootControl().limitTrial(seconds);
  return *this;
}

SecureOTAClass& SecureOTAClass::setMaxFloorRise(uint32_t days) {
  floor_.setMaxRise(days);
  return *this;
}

SecureOTAClass& SecureOTAClass::onStart(THandlerFunction callback) {
  startCallback_ = std::move(callback);
  return *this;
}

SecureOTAClass& SecureOTAClass::onEnd(THandlerFunction callback) {
  endCallback_ = std::move(callback);
  return *this;
}

SecureOTAClass& SecureOTAClass::onError(THandlerFunction_Error callback) {
  errorCallback_ = std::move(callback);
  return *this;
}

SecureOTAClass& SecureOTAClass::onProgress(THandlerFunction_Progress callback) {
  progressCallback_ = std::move(callback);
  return *this;
}

SecureOTAClass& SecureOTAClass::onFilesystemLost(THandlerFunction callback) {
  filesystemLostCallback_ = std::move(callback);
  return *this;
}

SecureOTAClass& SecureOTAClass::setProcessor(UpdateProcessorRFC3161* processor) {
  (void)processor;
  return *this;
}

int UpdateProcessorRFC3161::addTrustedCertAsDER(const unsigned char* der, size_t size) {
  return SecureOTA.addTrustAnchor(der, size) ? 0 : -1;
}

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
  prepareTrial();
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

// Once, whichever of begin(), confirm(), reject() and isPending() comes first.
void SecureOTAClass::prepareTrial() {
  if (trialPrepared_) {
    return;
  }
  trialPrepared_ = true;
  Port& port = secureota::port();
  const secureota::Time built =
      secureota_build_time == 0 ? secureota::kNoTime : secureota_build_time * secureota::kSecond;
  (void)note(floor_.begin(&port.store(), built));
  runningDigestKnown_ = port.runningDigest(floor_.record(), runningDigest_);
  (void)note(
      trial_.begin(&port.bootControl(), &floor_, runningDigestKnown_ ? runningDigest_ : nullptr));
  if (!note(trial_.left())) {
    sayRefusal("the image of the last update was left again: ", trial_.left());
  }
}

void SecureOTAClass::repairFilesystem() {
  if (floor_.filesystemIsWhole()) {
    return;
  }
  secureota::port().say("there is no filesystem: its last update did not come to an end");
  if (filesystemLostCallback_) {
    filesystemLostCallback_();
    (void)note(floor_.forgetFilesystem());
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

bool SecureOTAClass::filesystemIsWhole() {
  prepareTrial();
  return floor_.filesystemIsWhole();
}

bool SecureOTAClass::isPending() {
  prepareTrial();
  return trial_.pending();
}

bool SecureOTAClass::confirm() {
  prepareTrial();
  const bool wasPending = trial_.pending();
  const bool confirmed = note(trial_.confirm());
  if (wasPending && confirmed) {
    secureota::port().say("confirmed: this image stays");
  }
  return confirmed;
}

bool SecureOTAClass::reject() {
  prepareTrial();
  if (!note(trial_.reject())) {
    return false;
  }
  secureota::port().say("rejected: the previous image runs again");
  secureota::port().restart();
  return true;
}

// An image that could have taken the next update for long enough has proved that it can be left.
void SecureOTAClass::confirmWhenDue() {
  if (trial_.pending()) {
    Port& port = secureota::port();
    if (trial_.isDue(port.milliseconds(), port.networkUp())) {
      (void)confirm();
    }
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

Error SecureOTAClass::claim(secureota::UpdaterParts* parts) {
  if (!listening_) {
    prepareReceiver();
  }
  const Error error = receiver_.hold(parts);
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

// ---- reports
// -------------------------------------------------------------------------------------

void SecureOTAClass::Reporter::breathe() {
  secureota::port().breathe();
}

void SecureOTAClass::Reporter::onStart(ImageKind kind, size_t imageSize) {
  (void)kind;
  (void)imageSize;
  if (owner_->startCallback_) {
    owner_->startCallback_();
  }
}

void SecureOTAClass::Reporter::onProgress(size_t done, size_t total) {
  if (owner_->progressCallback_) {
    owner_->progressCallback_(static_cast<unsigned>(done), static_cast<unsigned>(total));
  }
}

void SecureOTAClass::Reporter::onActivated(const VerifiedToken& token) {
  owner_->sayAccepted("accepted", token);
}

void SecureOTAClass::Reporter::onAlreadyRunning(const VerifiedToken& token) {
  owner_->sayAccepted("accepted: runs already, nothing touched", token);
}

void SecureOTAClass::Reporter::onRefused(const Refusal& refusal, Stage at) {
  static const ota_error_t kCodes[] = {OTA_BEGIN_ERROR, OTA_AUTH_ERROR, OTA_CONNECT_ERROR,
                                       OTA_RECEIVE_ERROR, OTA_END_ERROR};
  owner_->lastError_ = refusal.why;
  sayRefusal("refused: ", refusal);
  if (owner_->errorCallback_) {
    owner_->errorCallback_(kCodes[static_cast<size_t>(at)]);
  }
}

void SecureOTAClass::sayRefusal(const char* what, const Refusal& refusal) {
  char line[64 + secureota::kRefusalSize];
  const size_t start = secureota::appendText(what, line, 0, sizeof line - 1);
  line[start + secureota::formatRefusal(refusal, line + start, sizeof line - 1 - start)] = '\0';
  secureota::port().say(line);
}

secureota::DeviceFacts SecureOTAClass::Reporter::deviceFacts() {
  secureota::DeviceFacts facts;
  facts.image = owner_->runningDigestKnown_ ? owner_->runningDigest_ : nullptr;
  facts.pending = owner_->trial_.pending();
  facts.floor = owner_->floor_.record().application.floor;
  facts.product = owner_->own_.product;
  facts.version = owner_->own_.version;
  facts.last = owner_->lastError_;
  return facts;
}

void SecureOTAClass::sayAccepted(const char* how, const VerifiedToken& token) {
  lastError_ = Error::None;
  char time[secureota::kTimeTextSize];
  secureota::formatTime(token.genTime, time);
  char line[160];
  (void)snprintf(line, sizeof line, "%s: image %02x%02x%02x%02x, signed %s", how,
                 token.imageDigest[0], token.imageDigest[1], token.imageDigest[2],
                 token.imageDigest[3], time);
  secureota::port().say(line);
}
