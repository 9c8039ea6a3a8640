#include "sockets.h"

#if defined(ARDUINO_ARCH_ESP32) || defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <sys/select.h>
#include <sys/time.h>

#include "socket.h"

namespace secureota {
namespace {

// A peer that is gone must not end the process. Linux and lwIP are told with every call, macOS
// once.
#if defined(MSG_NOSIGNAL)
const int kSendFlags = MSG_NOSIGNAL;
#else
const int kSendFlags = 0;
#endif

// Connections that may wait until they are accepted: a stranger's, before the one that we wait for.
const int kBacklog = 4;

}  // namespace

Sockets::Sockets()
    : datagrams_(-1),
      address_(0),
      listeningPort_(0),
      receiveBuffer_(0),
      listener_(-1),
      acceptingPort_(0),
      stream_(-1),
      connecting_(false),
      peerEnded_(false),
      ending_(false),
      outboxSize_(0) {}

// ---- datagrams
// -----------------------------------------------------------------------------------

bool Sockets::listen(uint32_t address, uint16_t port) {
  stopListening();
  datagrams_ = openSocket(SOCK_DGRAM);
  if (datagrams_ < 0) {
    return false;
  }
  address_ = address;
  listeningPort_ = bindSocket(datagrams_, address, port);
  if (listeningPort_ == 0) {
    stopListening();
    return false;
  }
  return true;
}

void Sockets::stopListening() {
  closeSocket(&datagrams_);
}

size_t Sockets::receiveDatagram(uint8_t* out, size_t capacity, Endpoint* from) {
  if (datagrams_ < 0) {
    return 0;
  }
  sockaddr_in peer;
  memset(&peer, 0, sizeof peer);
  socklen_t size = sizeof peer;
  const ssize_t taken =
      ::recvfrom(datagrams_, out, capacity, 0, reinterpret_cast<sockaddr*>(&peer), &size);
  if (taken <= 0) {
    return 0;
  }
  *from = toEndpoint(peer);
  return static_cast<size_t>(taken);
}

void Sockets::sendDatagram(Bytes datagram, const Endpoint& to) {
  const sockaddr_in peer = toSocketAddress(to);
  // A datagram that can't be sent is one that was lost: the peer asks again.
  (void)!::sendto(datagrams_, datagram.data, datagram.size, kSendFlags,
                  reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
}

// ---- the stream
// ----------------------------------------------------------------------------------

void Sockets::connect(const Endpoint& to) {
  closeStream();
  stream_ = openSocket(SOCK_STREAM);
  if (stream_ < 0) {
    return;
  }
  sendAtOnce(stream_);
  limitReceiving(stream_);
  const sockaddr_in peer = toSocketAddress(to);
  if (::connect(stream_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0 &&
      errno != EINPROGRESS) {
    closeSocket(&stream_);
    return;
  }
  connecting_ = true;
}

// Before the handshake, which tells the peer about both. It makes another machine like a chip; lwIP
// itself, which is what it is, has no such option.
void Sockets::limitReceiving(int fd) const {
#if defined(SECUREOTA_PORT_POSIX)
  if (receiveBuffer_ != 0) {
    const int segment = 1440;  // lwIP's TCP_MSS on an ESP32
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receiveBuffer_, sizeof receiveBuffer_);
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
  }
#else
  (void)fd;
#endif
}

uint16_t Sockets::startAccepting() {
  if (listener_ < 0) {
    acceptingPort_ = openListener(listeningPort_);
  }
  if (listener_ < 0) {
    acceptingPort_ = openListener(0);
  }
  return acceptingPort_;
}

uint16_t Sockets::openListener(uint16_t port) {
  listener_ = openSocket(SOCK_STREAM);
  if (listener_ < 0) {
    return 0;
  }
  // The last upload's connection may still be dying on this port.
  const int on = 1;
  (void)::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  limitReceiving(listener_);  // whom it accepts inherits that
  const uint16_t bound = bindSocket(listener_, address_, port);
  if (bound == 0 || ::listen(listener_, kBacklog) != 0) {
    stopAccepting();
    return 0;
  }
  return bound;
}

void Sockets::stopAccepting() {
  closeSocket(&listener_);
}

bool Sockets::accept(Endpoint* from) {
  if (listener_ < 0 || stream_ >= 0) {
    return false;
  }
  sockaddr_in peer;
  memset(&peer, 0, sizeof peer);
  socklen_t size = sizeof peer;
  const int fd = ::accept(listener_, reinterpret_cast<sockaddr*>(&peer), &size);
  if (fd < 0) {
    return false;
  }
  prepareSocket(fd);
  sendAtOnce(fd);
  stream_ = fd;
  *from = toEndpoint(peer);
  return true;
}

// A connection that is being made can be written to as soon as it stands or has failed.
bool Sockets::isConnected() {
  fd_set writable;
  FD_ZERO(&writable);
  FD_SET(stream_, &writable);
  timeval now = {0, 0};
  if (::select(stream_ + 1, nullptr, &writable, nullptr, &now) <= 0) {
    return false;
  }
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(stream_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    closeSocket(&stream_);
    return false;
  }
  return true;
}

StreamState Sockets::streamState() {
  if (stream_ >= 0 && connecting_) {
    connecting_ = !isConnected();
  }
  if (stream_ < 0 || peerEnded_) {
    return StreamState::Closed;
  }
  return connecting_ ? StreamState::Connecting : StreamState::Open;
}

size_t Sockets::readStream(uint8_t* out, size_t capacity) {
  flush();
  if (stream_ < 0 || connecting_ || peerEnded_ || outboxSize_ != 0) {
    return 0;
  }
  const ssize_t taken = ::recv(stream_, out, capacity, 0);
  if (taken > 0) {
    return static_cast<size_t>(taken);
  }
  peerEnded_ = taken == 0 || !wouldBlock(errno);
  return 0;
}

void Sockets::writeStream(Bytes bytes) {
  if (stream_ < 0) {
    return;
  }
  const size_t room = kOutboxSize - outboxSize_;
  const size_t size = bytes.size < room ? bytes.size : room;  // readStream sees to it that all fits
  memcpy(outbox_ + outboxSize_, bytes.data, size);
  outboxSize_ += size;
  flush();
}

void Sockets::flush() {
  while (stream_ >= 0 && outboxSize_ != 0) {
    const ssize_t sent = ::send(stream_, outbox_, outboxSize_, kSendFlags);
    if (sent < 0) {
      if (!wouldBlock(errno)) {
        outboxSize_ = 0;  // nobody is there to take it
        peerEnded_ = true;
      }
      return;
    }
    outboxSize_ -= static_cast<size_t>(sent);
    memmove(outbox_, outbox_ + sent, outboxSize_);
  }
  if (ending_ && stream_ >= 0) {
    ending_ = false;
    (void)::shutdown(stream_, SHUT_WR);
  }
}

void Sockets::endStream() {
  ending_ = true;
  flush();
}

void Sockets::closeStream() {
  flush();
  closeSocket(&stream_);
  connecting_ = false;
  peerEnded_ = false;
  ending_ = false;
  outboxSize_ = 0;
}

void Sockets::wait(uint32_t milliseconds) {
  fd_set readable;
  fd_set writable;
  FD_ZERO(&readable);
  FD_ZERO(&writable);
  int highest = -1;
  if (datagrams_ >= 0) {
    FD_SET(datagrams_, &readable);
    highest = datagrams_;
  }
  if (listener_ >= 0 && stream_ < 0) {
    FD_SET(listener_, &readable);
    highest = listener_ > highest ? listener_ : highest;
  }
  if (stream_ >= 0 && !peerEnded_) {
    const bool blocked = connecting_ || outboxSize_ != 0;
    FD_SET(stream_, blocked ? &writable : &readable);
    highest = stream_ > highest ? stream_ : highest;
  }
  timeval time = {static_cast<time_t>(milliseconds / 1000),
                  static_cast<suseconds_t>(milliseconds % 1000 * 1000)};
  (void)::select(highest + 1, &readable, &writable, nullptr, &time);
}

}  // namespace secureota

#endif
