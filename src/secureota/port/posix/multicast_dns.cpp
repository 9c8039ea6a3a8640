#include "multicast_dns.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

namespace secureota {
namespace posix {
namespace {

const char kGroup[] = "224.0.0.251";
const uint16_t kPort = 5353;

const unsigned kAnnouncements = 2;  // RFC 6762, 8.3: two at least
const uint32_t kInterval = 1000;    // milliseconds between two multicasts of a record (6)
const int kMessagesAtOnce = 32;     // then the device has other things to do

sockaddr_in endpoint(uint32_t address, uint16_t port) {
  sockaddr_in result;
  memset(&result, 0, sizeof result);
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = address;
  return result;
}

sockaddr_in group() {
  return endpoint(inet_addr(kGroup), kPort);
}

// The address from which datagrams to the group go out; 0 if none do.
uint32_t usualAddress() {
  const int probe = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in local = endpoint(0, 0);
  socklen_t size = sizeof local;
  const sockaddr_in peer = group();
  if (::connect(probe, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0 ||
      ::getsockname(probe, reinterpret_cast<sockaddr*>(&local), &size) != 0) {
    local.sin_addr.s_addr = 0;
  }
  (void)::close(probe);
  return local.sin_addr.s_addr;
}

// ---- the goodbye of a process that is ended: prepared, because a signal's handler can do little

int lastSocket = -1;
char lastWords[kMaxDnsMessage];
size_t lastWordsSize = 0;
sockaddr_in lastWordsTo;

void sayLastWords(int number) {
  (void)!::sendto(lastSocket, lastWords, lastWordsSize, 0,
                  reinterpret_cast<const sockaddr*>(&lastWordsTo), sizeof lastWordsTo);
  (void)::signal(number, SIG_DFL);
  (void)::raise(number);
}

void prepareLastWords(int socket, const std::string& goodbye) {
  lastSocket = socket;
  lastWordsSize = goodbye.size() < sizeof lastWords ? goodbye.size() : 0;
  memcpy(lastWords, goodbye.data(), lastWordsSize);
  lastWordsTo = group();
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    (void)::signal(number, socket < 0 ? SIG_DFL : sayLastWords);
  }
}

DnsReply everything() {
  DnsReply reply;
  reply.answers = kAllDnsRecords;
  return reply;
}

}  // namespace

MulticastDns::MulticastDns() : socket_(-1), service_(), announcements_(0), sent_(), sentAt_() {}

bool MulticastDns::begin(uint32_t address, const DnsService& service) {
  service_ = service;
  service_.address = address == 0 ? usualAddress() : address;
  if (!open(service_.address)) {
    return false;
  }
  announcements_ = kAnnouncements;
  prepareLastWords(socket_, writeDnsReply(everything(), service_, true));
  return true;
}

void MulticastDns::end() {
  if (socket_ >= 0) {
    send(writeDnsReply(everything(), service_, true), group());
    prepareLastWords(-1, "");
    (void)::close(socket_);
    socket_ = -1;
  }
}

// Bound to the group, so that nothing comes in that was not sent to all: no question from outside
// of the network (RFC 6762, 11). Answers go out from the same port, as they must.
bool MulticastDns::open(uint32_t address) {
  socket_ = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (socket_ < 0) {
    return false;
  }
  (void)::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL, 0) | O_NONBLOCK);
  (void)::fcntl(socket_, F_SETFD, FD_CLOEXEC);
  const int on = 1;
  const unsigned char hops = 255;
  in_addr interface;
  interface.s_addr = address;
  ip_mreq membership;
  membership.imr_multiaddr = group().sin_addr;
  membership.imr_interface = interface;
  const sockaddr_in local = group();
  const bool opened =
      ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::setsockopt(socket_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
      ::bind(socket_, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0 &&
      ::setsockopt(socket_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) == 0 &&
      ::setsockopt(socket_, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface) == 0 &&
      ::setsockopt(socket_, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof hops) == 0;
  if (!opened) {
    (void)::close(socket_);
    socket_ = -1;
  }
  return opened;
}

void MulticastDns::serve(uint32_t now) {
  if (socket_ < 0) {
    return;
  }
  for (size_t i = 0; i < kDnsRecords; ++i) {
    sent_[i] = sent_[i] && now - sentAt_[i] < kInterval;
  }
  if (announcements_ != 0 && !sent_[0]) {
    --announcements_;
    multicast(everything(), now);
  }
  for (int i = 0; i < kMessagesAtOnce; ++i) {
    uint8_t message[kMaxDnsMessage];
    sockaddr_in from = endpoint(0, 0);
    socklen_t size = sizeof from;
    const ssize_t taken =
        ::recvfrom(socket_, message, sizeof message, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (taken <= 0) {
      return;
    }
    answer(message, static_cast<size_t>(taken), from, now);
  }
}

void MulticastDns::answer(const uint8_t* message, size_t size, const sockaddr_in& from,
                          uint32_t now) {
  const DnsReply reply = readDnsQuery(Bytes(message, size), ntohs(from.sin_port), service_);
  if (reply.answers == 0) {
    return;
  }
  if (reply.unicast) {
    send(writeDnsReply(reply, service_, false), from);
  } else {
    multicast(reply, now);
  }
}

// Nobody needs to hear within a second what all have just heard.
void MulticastDns::multicast(DnsReply reply, uint32_t now) {
  for (unsigned i = 0; i < kDnsRecords; ++i) {
    const unsigned bit = 1U << i;
    if (sent_[i]) {
      reply.answers &= ~bit;
      reply.additionals &= ~bit;
    }
  }
  if (reply.answers == 0) {
    return;
  }
  for (unsigned i = 0; i < kDnsRecords; ++i) {
    if (((reply.answers | reply.additionals) >> i & 1) != 0) {
      sent_[i] = true;
      sentAt_[i] = now;
    }
  }
  send(writeDnsReply(reply, service_, false), group());
}

void MulticastDns::send(const std::string& message, const sockaddr_in& to) {
  (void)!::sendto(socket_, message.data(), message.size(), 0,
                  reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

}  // namespace posix
}  // namespace secureota

#endif
