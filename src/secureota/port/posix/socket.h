// One socket, and addresses as it wants them. BSD sockets, and lwIP, which has the same calls.
#pragma once

#include "platform.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#if defined(ARDUINO_ARCH_ESP32)
#include <lwip/sockets.h>
#else
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#endif

#include "../../endpoint.h"

namespace secureota {

// Opens one for IPv4; -1, with errno, if that is not possible. It never blocks, and is not handed
// on to the image that is executed next.
int openSocket(int type);

// Makes another one so, which was accepted.
void prepareSocket(int fd);

// Closes it, if it is open, and forgets it.
void closeSocket(int* fd);

// Acknowledgements are a few bytes each, and the stock host waits for every one of them.
void sendAtOnce(int fd);

// Binds to an address (network order) and a port, 0 for any that is free. Returns which; 0, with
// errno, if that is not possible.
uint16_t bindSocket(int fd, uint32_t address, uint16_t port);

// Nothing is wrong: it only has nothing to read, or no room to write.
bool wouldBlock(int error);

sockaddr_in toSocketAddress(const Endpoint& endpoint);
Endpoint toEndpoint(const sockaddr_in& address);

}  // namespace secureota

#endif
