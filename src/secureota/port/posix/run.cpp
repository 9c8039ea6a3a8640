#include "run.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "../../../SecureOTA.h"
#include "files.h"
#include "pem.h"
#include "posix_port.h"
#include "run_options.h"

namespace secureota {
namespace posix {
namespace {

const int kUsageError = 2;

bool addAnchors(const std::vector<std::string>& files) {
  static std::vector<std::string> kept;  // the library keeps views
  kept.reserve(files.size());
  for (const std::string& file : files) {
    std::string contents;
    if (!readFile(file, &contents)) {
      return complain("can't read " + file + ": " + strerror(errno));
    }
    kept.push_back(certificatesOf(contents));
    const uint8_t* der = reinterpret_cast<const uint8_t*>(kept.back().data());
    if (kept.back().empty() || !SecureOTA.addTrustAnchors(der, kept.back().size())) {
      return complain("not a certificate that can be a trust anchor: " + file);
    }
  }
  return true;
}

bool setPassword(const std::string& variable) {
  if (variable.empty()) {
    return true;
  }
  const char* const password = getenv(variable.c_str());
  if (password == nullptr || *password == '\0') {
    return complain("no password in the environment variable " + variable);
  }
  SecureOTA.setPassword(password);
  return true;
}

// What a serial upload does, where nothing is in flash yet or it was asked for.
int boot(Flash* flash, const RunOptions& options, char** arguments) {
  BootData data;
  if ((options.flash || !flash->loadBootData(&data)) && !flash->install(ownProgram())) {
    perror("can't write the flash");
    return kUsageError;
  }
  return supervise(flash, arguments, options.watchdog);
}

}  // namespace

int slot() {
  return posixPort().flash().runningSlot();
}

int run(int argc, char** argv, void (*setup)(), void (*loop)()) {
  RunOptions options;
  if (!takeOptions(argc, argv, &options)) {
    return kUsageError;
  }
  PosixPort& port = posixPort();
  if (!port.flash().use(options.directory)) {
    perror(options.directory.c_str());
    return kUsageError;
  }
  if (options.flashTiming) {
    port.flash().takeTime();
  }
  if (options.slot < 0) {
    return boot(&port.flash(), options, argv);
  }
  port.boot(options.slot, options.reports);
  port.listenOn(options.address, options.port);
  port.limitReceiveBuffer(options.receiveBuffer);
  port.announceAs(options.announcedName);
  if (!addAnchors(options.anchors) || !setPassword(options.passwordVariable)) {
    return kUsageError;
  }
  port.bootControl().limitTrial(kTrialLimit);
  if (options.confirmAfter >= 0) {
    SecureOTA.setConfirmAfter(static_cast<uint32_t>(options.confirmAfter));
  }
  SecureOTA.setFilesystemStaging(options.staging);
  SecureOTA.setTimeout(static_cast<int>(options.idleTimeout) * 1000);  // 0 changes nothing
  setup();
  if (port.listenFailed()) {
    return kUsageError;
  }
  for (;;) {
    port.breathe();
    loop();
    port.waitFor(20);  // a sketch's loop() has no pause of its own
  }
}

}  // namespace posix
}  // namespace secureota

uint32_t millis() {
  return secureota::posix::posixPort().milliseconds();
}

void delay(uint32_t milliseconds) {
  (void)usleep(static_cast<useconds_t>(milliseconds) * 1000);
}

#endif
