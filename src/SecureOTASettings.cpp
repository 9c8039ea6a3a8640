// What a sketch sets before begin().
#include "SecureOTA.h"

#include <stdio.h>

#include <utility>

using secureota::Bytes;

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

SecureOTAClass& SecureOTAClass::setFilesystemStaging(secureota::Staging staging) {
  secureota::port().filesystem().setStaging(staging);
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
