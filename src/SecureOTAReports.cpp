// What the library reports, as callbacks, lines of log and the answer about what runs.
#include "SecureOTA.h"

#include <stdio.h>

#include "secureota/refusal.h"
#include "secureota/text.h"
#include "secureota/time_text.h"

using secureota::Error;
using secureota::ImageKind;
using secureota::Refusal;
using secureota::VerifiedToken;

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
