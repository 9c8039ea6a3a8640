// A device for your desk: this program is the firmware. It listens for signed updates, and an
// accepted one is executed in its place.
#include <SecureOTA.h>
#include <stdio.h>

#if !defined(FIRMWARE_VERSION)
#define FIRMWARE_VERSION "1"
#endif

static void setup() {
  printf("boot: version %s from slot %d\n", FIRMWARE_VERSION, secureota::posix::slot());
  fflush(stdout);
  SecureOTA.begin();
}

static void loop() {
  SecureOTA.handle();
}

int main(int argc, char** argv) {
  return secureota::posix::run(argc, argv, setup, loop);
}
