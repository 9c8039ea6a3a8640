#include "run_options.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace secureota {
namespace posix {
namespace {

// Seconds. The slowest thing that a sketch waits for is a verification with sanitizers.
const long kWatchdog = 30;
const long kLongest = 1000000;  // in milliseconds an int

bool parseNumber(const char* text, long largest, const char* what, long* out) {
  char* end = nullptr;
  const long number = strtol(text, &end, 10);
  if (end == text || *end != '\0' || number < 0 || number > largest) {
    return complain(std::string("not a ") + what + ": " + text);
  }
  *out = number;
  return true;
}

bool parsePort(const char* text, int* out) {
  long port = 0;
  if (!parseNumber(text, UINT16_MAX, "port", &port)) {
    return false;
  }
  *out = static_cast<int>(port);
  return true;
}

bool parseSeconds(const char* text, long* out) {
  return parseNumber(text, kLongest, "number of seconds", out);
}

bool parseBytes(const char* text, int* out) {
  long bytes = 0;
  if (!parseNumber(text, 1000000000, "number of bytes", &bytes)) {
    return false;
  }
  *out = static_cast<int>(bytes);
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

// What can be a host's name: it becomes NAME.local.
bool parseLabel(const char* text, std::string* out) {
  const size_t longest = 63;  // RFC 1035, 2.3.4
  const size_t length =
      strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
  if (text[length] != '\0' || length == 0 || length > longest || text[0] == '-') {
    return complain(std::string("not a name of letters, digits and '-': ") + text);
  }
  *out = text;
  return true;
}

bool parseStaging(const std::string& text, Staging* out) {
  if (text == "never") {
    *out = Staging::Never;
  } else if (text == "where-it-fits") {
    *out = Staging::WhereItFits;
  } else if (text == "always") {
    *out = Staging::Always;
  } else {
    return complain("not never, where-it-fits or always: " + text);
  }
  return true;
}

bool parseBooted(const char* text, RunOptions* out) {
  return sscanf(text, "%d:%d", &out->slot, &out->reports) == 2 ||
         complain(std::string("not what the boot stage says: ") + text);
}

bool takeFlag(const std::string& name, RunOptions* options) {
  if (name == "--flash") {
    options->flash = true;
    return true;
  }
  if (name == "--flash-timing") {
    options->flashTiming = true;
    return true;
  }
  return false;
}

bool takeOption(const std::string& name, const char* value, RunOptions* options) {
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
  if (name == "--announce") {
    return parseLabel(value, &options->announcedName);
  }
  if (name == "--staging") {
    return parseStaging(value, &options->staging);
  }
  if (name == "--watchdog") {
    return parseSeconds(value, &options->watchdog);
  }
  if (name == "--idle-timeout") {
    return parseSeconds(value, &options->idleTimeout);
  }
  if (name == "--receive-buffer") {
    return parseBytes(value, &options->receiveBuffer);
  }
  if (name == "--confirm-after") {
    return parseSeconds(value, &options->confirmAfter);
  }
  if (name == "--booted") {
    return parseBooted(value, options);
  }
  return complain("unknown option: " + name);
}

bool takeEnvironment(RunOptions* options) {
  const char* const directory = getenv("SECUREOTA_DEVICE_DIR");
  if (directory != nullptr) {
    options->directory = directory;
  }
  const char* const port = getenv("SECUREOTA_DEVICE_PORT");
  if (port != nullptr && !parsePort(port, &options->port)) {
    return false;
  }
  const char* const confirmAfter = getenv("SECUREOTA_DEVICE_CONFIRM_AFTER");
  return confirmAfter == nullptr || parseSeconds(confirmAfter, &options->confirmAfter);
}

}  // namespace

RunOptions::RunOptions()
    : directory("emulated-device"),
      address(htonl(INADDR_LOOPBACK)),
      port(-1),
      staging(Staging::Never),
      flash(false),
      flashTiming(false),
      watchdog(kWatchdog),
      confirmAfter(-1),
      idleTimeout(0),
      receiveBuffer(0),
      slot(-1),
      reports(-1) {}

bool complain(const std::string& what) {
  fprintf(stderr, "%s\n", what.c_str());
  return false;
}

bool takeOptions(int argc, char** argv, RunOptions* out) {
  if (!takeEnvironment(out)) {
    return false;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (takeFlag(name, out)) {
      continue;
    }
    if (i + 1 == argc) {
      return complain("unknown option, or its value is missing: " + name);
    }
    if (!takeOption(name, argv[++i], out)) {
      return false;
    }
  }
  return true;
}

}  // namespace posix
}  // namespace secureota

#endif
