// Who wants to know how an update goes: the sketch's callbacks, a log, a watchdog.
#pragma once

#include "image_sink.h"
#include "refusal.h"
#include "verifier.h"

namespace secureota {

class UpdateListener {
 public:
  // Work of up to half a second lies ahead or behind, without a return to the caller: feed a
  // watchdog.
  virtual void breathe() {}

  // The token was accepted; the slot is about to be erased.
  virtual void onStart(ImageKind kind, size_t imageSize) {
    (void)kind;
    (void)imageSize;
  }

  // Bytes of the container taken, of all.
  virtual void onProgress(size_t done, size_t total) {
    (void)done;
    (void)total;
  }

  // The new image is verified and boots next.
  virtual void onActivated(const VerifiedToken& token) { (void)token; }

  // The container holds what runs already: nothing was touched, nothing will restart.
  virtual void onAlreadyRunning(const VerifiedToken& token) { (void)token; }

  // Refused or broken off; whatever was begun is undone. `at` is where.
  enum class Stage : uint8_t { Invitation, Authentication, Connection, Transfer, Finish };
  virtual void onRefused(const Refusal& refusal, Stage at) {
    (void)refusal;
    (void)at;
  }

 protected:
  ~UpdateListener() {}
};

}  // namespace secureota
