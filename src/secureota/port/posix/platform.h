// Is this a build for a computer? Arduino compiles every file under src/; there these are empty.
#pragma once

#if !defined(ARDUINO) && (defined(__unix__) || defined(__APPLE__))
#define SECUREOTA_PORT_POSIX 1
#endif
