// The options of an emulated device (run.h lists them).
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <stdint.h>

#include <string>
#include <vector>

#include "../../staged_filesystem.h"

namespace secureota {
namespace posix {

struct RunOptions {
  std::string directory;
  uint32_t address;  // network order
  int port;          // -1: the sketch's
  std::vector<std::string> anchors;
  std::string passwordVariable;
  std::string announcedName;  // empty: not announced
  Staging staging;            // also where the sketch says nothing
  bool flash;
  bool flashTiming;
  long watchdog;      // seconds
  long confirmAfter;  // seconds; -1: as the sketch and the library have it
  long idleTimeout;   // seconds; 0: the library's
  int receiveBuffer;  // bytes of TCP; 0: the system's

  // How the boot stage starts a slot: which one, and where the program reports (supervisor.h).
  int slot;  // -1: this is the boot stage
  int reports;

  RunOptions();
};

// Says on stderr what is wrong, and returns false.
bool complain(const std::string& what);

// From the environment, then from the arguments. False, after a complaint.
bool takeOptions(int argc, char** argv, RunOptions* out);

}  // namespace posix
}  // namespace secureota

#endif
