// A sketch with a filesystem: says whether there is one, and repairs it where SKETCH_REPAIRS is
// set. SKETCH_HARDWARE names the revision of the board.
#include <SecureOTA.h>
#include <stdio.h>
#include <stdlib.h>

static void say(const char* line) {
  printf("%s\n", line);
  fflush(stdout);
}

static void setup() {
  const char* const hardware = getenv("SKETCH_HARDWARE");
  if (hardware != nullptr && !SecureOTA.setHardware(hardware)) {
    say("no such revision can be");
  }
  say(SecureOTA.filesystemIsWhole() ? "filesystem: whole" : "filesystem: lost");
  if (getenv("SKETCH_REPAIRS") != nullptr) {
    SecureOTA.onFilesystemLost([]() { say("filesystem: repaired"); });
  }
  SecureOTA.begin();
}

static void loop() {
  SecureOTA.handle();
}

int main(int argc, char** argv) {
  return secureota::posix::run(argc, argv, setup, loop);
}
