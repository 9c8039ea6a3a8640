// Makes an emulated device visible in its network, as ESPmDNS does for a real one: announces a
// service, answers questions about it, and says goodbye.
//
// It does not ask first whether its name is free (RFC 6762, 8.1): who emulates devices gives each a
// name of its own.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <netinet/in.h>

#include "dns_message.h"

namespace secureota {
namespace posix {

class MulticastDns {
 public:
  MulticastDns();

  // Begins to announce on the network that has this address of ours (network order; 0: the usual
  // one). The service's address is set. False, with errno, where that is not possible.
  bool begin(uint32_t address, const DnsService& service);

  // Says goodbye, and stops. A signal that ends the process does the first half.
  void end();

  // To be called often: answers what has come in. `now` in milliseconds.
  void serve(uint32_t now);

 private:
  bool open(uint32_t address);
  void answer(const uint8_t* message, size_t size, const sockaddr_in& from, uint32_t now);
  void multicast(DnsReply reply, uint32_t now);
  void send(const std::string& message, const sockaddr_in& to);

  int socket_;  // -1: closed
  DnsService service_;
  unsigned announcements_;        // still to be made
  bool sent_[kDnsRecords];        // multicast lately, by the bits of the records ...
  uint32_t sentAt_[kDnsRecords];  // ... and when
};

}  // namespace posix
}  // namespace secureota

#endif
