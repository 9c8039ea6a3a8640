#include "tcp_stream.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#if defined(ARDUINO_ARCH_ESP32)
#include <lwip/netdb.h>
#else
#include <netdb.h>
#endif

#include "../../port.h"
#include "socket.h"

namespace secureota {
namespace {

#if defined(MSG_NOSIGNAL)
const int kSendFlags = MSG_NOSIGNAL;
#else
const int kSendFlags = 0;
#endif

// Connections that may wait until they are accepted: a browser opens more than it needs.
const int kBacklog = 4;

bool resolve(const char* host, uint16_t port, sockaddr_in* out) {
  addrinfo hints;
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  char service[6];
  (void)snprintf(service, sizeof service, "%u", unsigned(port));
  addrinfo* found = nullptr;
  if (::getaddrinfo(host, service, &hints, &found) != 0 || found == nullptr) {
    return false;
  }
  memcpy(out, found->ai_addr, sizeof *out);
  ::freeaddrinfo(found);
  return true;
}

}  // namespace

// ---- a connection
// --------------------------------------------------------------------------------

bool TcpStream::connect(const char* host, uint16_t port) {
  close();
  sockaddr_in peer;
  if (!resolve(host, port, &peer)) {
    return false;
  }
  const int fd = openSocket(SOCK_STREAM);
  if (fd < 0) {
    return false;
  }
  use(fd);
  if ((::connect(fd_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0 &&
       errno != EINPROGRESS) ||
      !awaitConnection()) {
    close();
    return false;
  }
  return true;
}

// A connection that is being made can be written to as soon as it stands or has failed.
bool TcpStream::awaitConnection() {
  Port& machine = port();
  const uint32_t since = machine.milliseconds();
  while (machine.milliseconds() - since < kTcpConnectTimeout) {
    machine.breathe();
    fd_set writable;
    FD_ZERO(&writable);
    FD_SET(fd_, &writable);
    timeval slice = {0, 50 * 1000};
    if (::select(fd_ + 1, nullptr, &writable, nullptr, &slice) > 0) {
      int error = 0;
      socklen_t size = sizeof error;
      return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }
  }
  return false;
}

void TcpStream::use(int fd) {
  close();
  fd_ = fd;
  ended_ = false;
}

size_t TcpStream::read(uint8_t* out, size_t capacity) {
  if (ended_) {
    return 0;
  }
  const ssize_t taken = ::recv(fd_, out, capacity, 0);
  if (taken > 0) {
    return static_cast<size_t>(taken);
  }
  ended_ = taken == 0 || !wouldBlock(errno);
  return 0;
}

size_t TcpStream::write(Bytes bytes) {
  if (fd_ < 0 || bytes.empty()) {
    return 0;
  }
  const ssize_t sent = ::send(fd_, bytes.data, bytes.size, kSendFlags);
  if (sent >= 0) {
    return static_cast<size_t>(sent);
  }
  ended_ = ended_ || !wouldBlock(errno);
  return 0;
}

void TcpStream::endWriting() {
  if (fd_ >= 0) {
    (void)::shutdown(fd_, SHUT_WR);
  }
}

void TcpStream::close() {
  closeSocket(&fd_);
  ended_ = true;
}

// ---- those that peers make
// -----------------------------------------------------------------------

uint16_t TcpListener::listen(uint32_t address, uint16_t port) {
  stop();
  fd_ = openSocket(SOCK_STREAM);
  if (fd_ < 0) {
    return 0;
  }
  // The last visitor's connection may still be dying on this port.
  const int on = 1;
  (void)::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const uint16_t bound = bindSocket(fd_, address, port);
  if (bound == 0 || ::listen(fd_, kBacklog) != 0) {
    stop();
    return 0;
  }
  return bound;
}

void TcpListener::stop() {
  closeSocket(&fd_);
}

bool TcpListener::accept(TcpStream* stream, Endpoint* from) {
  if (fd_ < 0) {
    return false;
  }
  sockaddr_in peer;
  memset(&peer, 0, sizeof peer);
  socklen_t size = sizeof peer;
  const int fd = ::accept(fd_, reinterpret_cast<sockaddr*>(&peer), &size);
  if (fd < 0) {
    return false;
  }
  prepareSocket(fd);
  stream->use(fd);
  *from = toEndpoint(peer);
  return true;
}

}  // namespace secureota

#endif
