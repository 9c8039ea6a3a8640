// A sketch that fetches its filesystem from UPDATE_URL, every half a second, and says what it sees.
#include <SecureHTTPUpdate.h>
#include <stdio.h>
#include <stdlib.h>

static void say(const char* line, const char* more) {
  printf("%s%s\n", line, more);
  fflush(stdout);
}

static void look() {
  switch (SecureHTTPUpdate.updateFilesystem(getenv("UPDATE_URL"))) {
    case SecureHTTPUpdateClass::Outcome::Updated:  // it restarts by itself
      break;
    case SecureHTTPUpdateClass::Outcome::NothingNew:
      say("looked: nothing new", "");
      break;
    case SecureHTTPUpdateClass::Outcome::Refused:
      say("looked: ", secureota::errorName(SecureOTA.lastError()));
      break;
  }
}

static uint32_t lastLook = 0;

static uint32_t now() {
  return static_cast<uint32_t>(millis());
}

static void setup() {
  say("filesystem: ", SecureOTA.filesystemIsWhole() ? "whole" : "lost");
  SecureOTA.onStart([]() { say("start: ", SecureOTA.getCommand() == U_SPIFFS ? "files" : "app"); });
  SecureOTA.begin();
  lastLook = now();
}

static void loop() {
  SecureOTA.handle();
  if (now() - lastLook >= 500) {
    look();
    lastLook = now();
  }
}

int main(int argc, char** argv) {
  return secureota::posix::run(argc, argv, setup, loop);
}
