// A sketch that says what SecureOTA.h tells it. tests/python/test_sketch.py drives it.
#include <SecureOTA.h>
#include <stdio.h>
#include <stdlib.h>

static void say(const char* what) {
  printf("sketch: %s\n", what);
  fflush(stdout);
}

static void setup() {
  printf("boot: from slot %d\n", secureota::posix::slot());
  SecureOTA.onStart([]() { say(SecureOTA.getCommand() == U_FLASH ? "start" : "start of what?"); })
      .onEnd([]() { say("end"); })
      .onProgress([](unsigned int done, unsigned int total) {
        if (done == total) {
          say("all there");
        }
      })
      .onError([](ota_error_t code) {
        printf("sketch: error %d %s\n", static_cast<int>(code),
               secureota::errorName(SecureOTA.lastError()));
        fflush(stdout);
      });
  SecureOTA.setHostname("a-name").setHostname("another").setRebootOnSuccess(
      getenv("SKETCH_STAYS") == nullptr);
  say(SecureOTA.getHostname());
  const char* const hash = getenv("SKETCH_PASSWORD_HASH");
  if (hash != nullptr) {
    SecureOTA.setPasswordHash(hash).setAllowMd5Password(getenv("SKETCH_ALLOWS_MD5") != nullptr);
  }
  const uint8_t rubbish[] = {0x30, 0x00};
  say(SecureOTA.addTrustAnchor(rubbish, sizeof rubbish) ? "rubbish is an anchor" : "no anchor");
  SecureOTA.begin();
  const char* const policy = getenv("SKETCH_POLICY");  // after begin(): it must count all the same
  if (policy != nullptr) {
    say(SecureOTA.requirePolicy(policy) ? "policy required" : "policy not understood");
  }
}

static void loop() {
  SecureOTA.handle();
}

int main(int argc, char** argv) {
  return secureota::posix::run(argc, argv, setup, loop);
}
