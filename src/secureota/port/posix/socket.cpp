#include "socket.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

namespace secureota {

void prepareSocket(int fd) {
  (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
#if defined(FD_CLOEXEC) && !defined(ARDUINO)
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
#if defined(SO_NOSIGPIPE)
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

int openSocket(int type) {
  const int fd = ::socket(AF_INET, type, 0);
  if (fd >= 0) {
    prepareSocket(fd);
  }
  return fd;
}

void sendAtOnce(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

uint16_t bindSocket(int fd, uint32_t address, uint16_t port) {
  sockaddr_in local;
  memset(&local, 0, sizeof local);
  local.sin_family = AF_INET;
  local.sin_port = htons(port);
  local.sin_addr.s_addr = address;
  socklen_t size = sizeof local;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&local), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) {
    return 0;
  }
  return ntohs(local.sin_port);
}

sockaddr_in toSocketAddress(const Endpoint& endpoint) {
  sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  memcpy(&address.sin_addr.s_addr, endpoint.address, 4);
  return address;
}

Endpoint toEndpoint(const sockaddr_in& address) {
  Endpoint endpoint;
  memcpy(endpoint.address, &address.sin_addr.s_addr, 4);
  endpoint.addressSize = 4;
  endpoint.port = ntohs(address.sin_port);
  return endpoint;
}

bool wouldBlock(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

void closeSocket(int* fd) {
  if (*fd >= 0) {
    (void)::close(*fd);
    *fd = -1;
  }
}

}  // namespace secureota

#endif
