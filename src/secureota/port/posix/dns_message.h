// Multicast DNS as bytes (RFC 1035, 6762, 6763): reads questions, writes the records of one
// service. No socket and no clock.
//
// Whatever is in the network can send us anything: reading never goes outside of the message,
// follows a bounded number of compression pointers, all of them backwards, and remembers only what
// it asked for.
#pragma once

#include "platform.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <string>
#include <vector>

#include "../../bytes.h"

namespace secureota {
namespace posix {

// The records of a service, as bits.
const unsigned kPointer = 1;  // PTR: the service type has this instance
const unsigned kServer = 2;   // SRV: its host and port
const unsigned kTexts = 4;    // TXT: what it says of itself
const unsigned kAddress = 8;  // A: of its host
const unsigned kTypes = 16;   // PTR: there is this service type at all (RFC 6763, 9)
const size_t kDnsRecords = 5;
const unsigned kAllDnsRecords = kPointer | kServer | kTexts | kAddress;

struct DnsService {
  std::string instance;  // one label; also the host's name
  std::string type;      // "_arduino._tcp"
  uint16_t port;
  uint32_t address;                // IPv4, network order
  std::vector<std::string> texts;  // "key=value", each at most 255 bytes
};

struct DnsReply {
  unsigned answers;      // what was asked for, and is not known to who asked
  unsigned additionals;  // what will be asked for next (RFC 6763, 12)
  bool unicast;          // only to who asked: it wants that, or knows nothing of multicast

  // A resolver that knows nothing of multicast (RFC 6762, 6.7): it wants its number and its
  // question back.
  bool legacy;
  uint16_t id;
  std::string question;

  DnsReply() : answers(0), additionals(0), unicast(false), legacy(false), id(0) {}
};

const size_t kMaxDnsMessage = 1472;  // bytes: what goes into one Ethernet frame

// What a message asks of the service. `fromPort` is where it came from: 5353, or it is legacy.
// Nothing is answered to what is no question, or not well-formed.
DnsReply readDnsQuery(Bytes message, uint16_t fromPort, const DnsService& service);

// The message that answers. `goodbye`: the service ends, forget all of it.
std::string writeDnsReply(const DnsReply& reply, const DnsService& service, bool goodbye);

}  // namespace posix
}  // namespace secureota

#endif
