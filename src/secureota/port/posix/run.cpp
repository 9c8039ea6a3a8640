#include "run.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
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

namespace secureota {
namespace posix {
namespace {

const int kUsageError = 2;

struct Options {
  std::string directory;
  uint32_t address;  // network order
  int port;          // -1: the sketch's
  std::vector<std::string> anchors;
  std::string passwordVariable;
  bool flash;

  Options()
      : directory("emulated-device"), address(htonl(INADDR_LOOPBACK)), port(-1), flash(false) {}
};

bool complain(const std::string& what) {
  fprintf(stderr, "%s\n", what.c_str());
  return false;
}

bool parsePort(const char* text, int* out) {
  char* end = nullptr;
  const long port = strtol(text, &end, 10);
  if (end == text || *end != '\0' || port < 0 || port > UINT16_MAX) {
    return complain(std::string("not a port: ") + text);
  }
  *out = static_cast<int>(port);
  return true;
}

bool parseAddress(const char* text, uint32_t* out) {
  in_addr address;
  if (inet_pton(AF_INET, text, &address) != 1) {
    return complain(std::string("not an IPv4 address: ") + text);
  }
  *out = address.s_addr;
  return true;
}

bool takeOption(const std::string& name, const char* value, Options* options) {
  if (name == "--dir") {
    options->directory = value;
    return true;
  }
  if (name == "--port") {
    return parsePort(value, &options->port);
  }
  if (name == "--bind") {
    return parseAddress(value, &options->address);
  }
  if (name == "--anchor") {
    options->anchors.push_back(value);
    return true;
  }
  if (name == "--password-env") {
    options->passwordVariable = value;
    return true;
  }
  return complain("unknown option: " + name);
}

bool takeEnvironment(Options* options) {
  const char* const directory = getenv("SECUREOTA_DEVICE_DIR");
  if (directory != nullptr) {
    options->directory = directory;
  }
  const char* const port = getenv("SECUREOTA_DEVICE_PORT");
  return port == nullptr || parsePort(port, &options->port);
}

bool takeArguments(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--flash") {
      options->flash = true;
      continue;
    }
    if (i + 1 == argc) {
      return complain("unknown option, or its value is missing: " + name);
    }
    if (!takeOption(name, argv[++i], options)) {
      return false;
    }
  }
  return true;
}

// What the boot ROM and a serial upload do on a chip. Returns only where it could not be done.
int boot(PosixPort& port, bool flash) {
  int slot = flash ? -1 : port.flash().bootSlot();
  if (slot < 0) {
    slot = 0;
    if (!installProgram(ownProgram(), port.flash().slotPath(slot)) ||
        !port.flash().setBootSlot(slot)) {
      perror("can't write the flash directory");
      return kUsageError;
    }
  }
  port.execute(slot);
  // As a boot loader does where the chosen slot holds no program.
  if (!flash && port.flash().setBootSlot(1 - slot)) {
    port.execute(1 - slot);
  }
  return kUsageError;
}

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

}  // namespace

int slot() {
  return posixPort().flash().runningSlot();
}

int run(int argc, char** argv, void (*setup)(), void (*loop)()) {
  Options options;
  if (!takeEnvironment(&options) || !takeArguments(argc, argv, &options)) {
    return kUsageError;
  }
  PosixPort& port = posixPort();
  port.keepArguments(argv);
  if (!port.flash().use(options.directory)) {
    perror(options.directory.c_str());
    return kUsageError;
  }
  if (port.flash().runningSlot() < 0) {
    return boot(port, options.flash);
  }
  port.listenOn(options.address, options.port);
  if (!addAnchors(options.anchors) || !setPassword(options.passwordVariable)) {
    return kUsageError;
  }
  setup();
  if (port.listenFailed()) {
    return kUsageError;
  }
  for (;;) {
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
