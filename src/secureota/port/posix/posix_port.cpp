#include "posix_port.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

namespace secureota {

Port& port() {
  return posix::posixPort();
}

namespace posix {

// Milliseconds between two signs of life: much less than any watchdog waits.
static const uint32_t kReportInterval = 50;

PosixPort& posixPort() {
  static PosixPort port;
  return port;
}

static void sayErased(int slot) {
  printf("erased slot %d\n", slot);
  fflush(stdout);
}

static void sayStaged() {
  printf("erased the spare slot for a filesystem\n");
  fflush(stdout);
}

static void sayFilesystemErased() {
  printf("erased filesystem\n");
  fflush(stdout);
}

PosixPort::PosixPort()
    : sink_(&flash_.sink()),
      address_(htonl(INADDR_LOOPBACK)),
      port_(-1),
      listenFailed_(false),
      lastReport_(0) {}

void PosixPort::boot(int slot, int reports) {
  flash_.setRunning(slot);
  flash_.slotSink().onErase(sayErased);
  flash_.spareSink().onErase(sayStaged);
  flash_.filesystemSink().onErase(sayFilesystemErased);
  reports_.use(reports);
}

void PosixPort::listenOn(uint32_t address, int port) {
  address_ = address;
  port_ = port;
}

bool PosixPort::listen(uint16_t port) {
  listenFailed_ = false;
  if (!sockets_.listen(address_, port_ < 0 ? port : static_cast<uint16_t>(port_))) {
    fprintf(stderr, "can't listen on UDP port %d: %s\n", port_ < 0 ? port : port_, strerror(errno));
    listenFailed_ = true;
    return false;
  }
  in_addr address;
  address.s_addr = address_;
  char text[INET_ADDRSTRLEN];
  (void)inet_ntop(AF_INET, &address, text, sizeof text);
  printf("listening on %s:%u\n", text, sockets_.listeningPort());
  fflush(stdout);
  return true;
}

size_t PosixPort::receiveDatagram(uint8_t* out, size_t capacity, Endpoint* from) {
  return sockets_.receiveDatagram(out, capacity, from);
}

void PosixPort::sendDatagram(Bytes datagram, const Endpoint& to) {
  sockets_.sendDatagram(datagram, to);
}

size_t PosixPort::readStream(uint8_t* out, size_t capacity) {
  return sockets_.readStream(out, capacity);
}

uint32_t PosixPort::milliseconds() {
  timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint32_t>(static_cast<uint64_t>(now.tv_sec) * 1000 +
                               static_cast<uint64_t>(now.tv_nsec) / 1000000);
}

void PosixPort::say(const char* line) {
  printf("%s\n", line);
  fflush(stdout);
}

static std::string textOf(const char* key, Bytes value) {
  return key + std::string(reinterpret_cast<const char*>(value.data), value.size);
}

void PosixPort::announce(const Announcement& what) {
  if (announcedName_.empty()) {
    return;
  }
  DnsService service;
  service.instance = announcedName_;
  service.type = "_arduino._tcp";
  service.port = sockets_.listeningPort();
  service.texts = {"board=emulated", "tcp_check=no", "ssh_upload=no",
                   what.password ? "auth_upload=yes" : "auth_upload=no", "secure=yes"};
  if (!what.product.empty()) {
    service.texts.push_back(textOf("product=", what.product));
  }
  if (!what.version.empty()) {
    service.texts.push_back(textOf("version=", what.version));
  }
  if (!multicastDns_.begin(address_, service)) {
    perror("can't announce: no multicast");
  }
}

void PosixPort::breathe() {
  const uint32_t now = milliseconds();
  multicastDns_.serve(now);
  if (now - lastReport_ >= kReportInterval) {
    lastReport_ = now;
    reports_.alive();
  }
}

void PosixPort::restart() {
  BootData data;
  if (flash_.loadBootData(&data)) {
    printf("restarting into slot %d\n", data.boots);
  }
  fflush(stdout);
  reports_.restart();
}

// The boot stage has seen that the slot holds it.
bool PosixPort::runningDigest(const UpdateRecord& record, uint8_t out[kSha256Size]) {
  (void)record;
  BootData data;
  if (flash_.runningSlot() < 0 || !flash_.loadBootData(&data)) {
    return false;
  }
  memcpy(out, data.slots[flash_.runningSlot()].digest, kSha256Size);
  return true;
}

void PosixPort::fill(uint8_t* out, size_t size) {
  if (getentropy(out, size) != 0) {
    perror("getentropy");
    ::abort();  // a nonce that can be guessed is worse than none
  }
}

}  // namespace posix
}  // namespace secureota

#endif
