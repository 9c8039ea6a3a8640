// Firmware whose last 16 bytes say how it behaves: what a test puts behind the program.
#include <SecureOTA.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>

#include "secureota/port/posix/files.h"

#if defined(BUILD_TIME)
extern "C" {
extern const long long secureota_build_time;
const long long secureota_build_time = BUILD_TIME;
}
#endif

static std::string behaviour() {
  std::string self;
  if (!secureota::posix::readFile(secureota::posix::ownProgram(), &self)) {
    abort();
  }
  const std::string last = self.substr(self.size() - 16);
  return last.compare(0, 3, "is ") == 0 ? last.substr(3, last.find('.') - 3) : "plain";
}

static void setup() {
  const std::string name = behaviour();
  printf("boot: %s from slot %d\n", name.c_str(), secureota::posix::slot());
  fflush(stdout);
  if (name == "crashing") {
    abort();
  }
  if (name == "ending") {
    exit(0);
  }
  while (name == "hanging") {
    (void)pause();
  }
  if (name == "offline") {  // its network never comes up
    SecureOTA.setConfirmLimit(1);
    return;
  }
  if (name == "broken") {
    (void)SecureOTA.reject();
  }
  if (name == "restless") {
    secureota::port().restart();
  }
  if (name == "manual") {
    SecureOTA.setConfirmAutomatically(false);
  }
  SecureOTA.begin();
  printf("sketch: pending %d, last error %s\n", SecureOTA.isPending(),
         secureota::errorName(SecureOTA.lastError()));
  fflush(stdout);
}

static void loop() {
  SecureOTA.handle();
  const char* const file = getenv("SKETCH_CONFIRMS");
  if (file != nullptr && access(file, F_OK) == 0 && SecureOTA.isPending()) {
    (void)SecureOTA.confirm();
  }
}

int main(int argc, char** argv) {
  return secureota::posix::run(argc, argv, setup, loop);
}
