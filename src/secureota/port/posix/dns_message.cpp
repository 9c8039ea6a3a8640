#include "dns_message.h"

#if defined(SECUREOTA_PORT_POSIX)

#include "dns_reader.h"

namespace secureota {
namespace posix {
namespace {

const uint16_t kDnsPort = 5353;
const size_t kHeaderSize = 12;
const unsigned kMaxEntries = 64;  // questions and known answers that are looked at

const uint16_t kTypeA = 1;
const uint16_t kTypePtr = 12;
const uint16_t kTypeTxt = 16;
const uint16_t kTypeSrv = 33;
const uint16_t kTypeAny = 255;
const uint16_t kClassInternet = 1;
const uint16_t kClassAny = 255;
const uint16_t kTopBit = 0x8000;  // of a class: unicast is welcome, or: this is all there is

// Seconds (RFC 6762, 10): of records with a host's name in them, of the others, and for a resolver
// that will not hear a goodbye.
const uint32_t kHostLifetime = 120;
const uint32_t kLifetime = 4500;
const uint32_t kLegacyLifetime = 10;

// ---- names: labels with their lengths in front, and an empty label at the end

std::string wireName(const std::string& labels) {
  std::string name;
  size_t at = 0;
  while (at <= labels.size()) {
    const size_t dot = labels.find('.', at) < labels.size() ? labels.find('.', at) : labels.size();
    name += static_cast<char>(dot - at);
    name.append(labels, at, dot - at);
    at = dot + 1;
  }
  name += '\0';
  return name;
}

// Dots in an instance's name are no separators (RFC 6763, 4.3).
std::string instanceName(const DnsService& service) {
  return static_cast<char>(service.instance.size()) + service.instance +
         wireName(service.type + ".local");
}
std::string typeName(const DnsService& service) {
  return wireName(service.type + ".local");
}
std::string hostName(const DnsService& service) {
  return static_cast<char>(service.instance.size()) + service.instance + wireName("local");
}
std::string typesName() {
  return wireName("_services._dns-sd._udp.local");
}

bool isName(const std::string& found, std::string wanted) {
  for (char& c : wanted) {
    c = lowerCase(c);
  }
  return found == wanted;
}

// ---- reading

bool asks(uint16_t type, uint16_t wanted) {
  return type == wanted || type == kTypeAny;
}

unsigned recordsFor(const std::string& name, uint16_t type, const DnsService& service) {
  unsigned records = 0;
  if (isName(name, typeName(service)) && asks(type, kTypePtr)) {
    records |= kPointer;
  }
  if (isName(name, typesName()) && asks(type, kTypePtr)) {
    records |= kTypes;
  }
  if (isName(name, instanceName(service))) {
    records |= (asks(type, kTypeSrv) ? kServer : 0) | (asks(type, kTypeTxt) ? kTexts : 0);
  }
  if (isName(name, hostName(service)) && asks(type, kTypeA)) {
    records |= kAddress;
  }
  return records;
}

// Who browses says which pointers it knows already, so that not everybody repeats them all the time
// (RFC 6762, 7.1). The other records are unique, and hardly ever asked for by who knows them.
unsigned takeKnownAnswer(DnsReader* reader, const DnsService& service) {
  const std::string name = reader->takeName();
  const uint16_t type = reader->take16();
  (void)reader->take16();  // class
  const uint32_t lifetime = reader->take32();
  const uint16_t size = reader->take16();
  if (!reader->good() || type != kTypePtr) {
    reader->skip(size);
    return 0;
  }
  const size_t end = reader->at() + size;
  const std::string target = reader->takeName();
  if (!reader->good() || reader->at() != end || lifetime < kLifetime / 2) {
    return 0;
  }
  if (isName(name, typesName()) && isName(target, typeName(service))) {
    return kTypes;
  }
  return isName(name, typeName(service)) && isName(target, instanceName(service)) ? kPointer : 0;
}

// ---- writing

void put16(unsigned number, std::string* out) {
  *out += static_cast<char>(number >> 8);
  *out += static_cast<char>(number);
}
void put32(uint32_t number, std::string* out) {
  put16(number >> 16, out);
  put16(number & 0xffff, out);
}

class Writer {
 public:
  Writer(const DnsReply& reply, bool goodbye)
      : legacy_(reply.legacy), goodbye_(goodbye), count_(0) {}

  unsigned count() const { return count_; }
  const std::string& records() const { return records_; }

  // `shared`: others may have records of this name too.
  void put(const std::string& name, uint16_t type, uint32_t lifetime, bool shared,
           const std::string& data) {
    const bool flush = !shared && !legacy_;
    records_ += name;
    put16(type, &records_);
    put16(kClassInternet | (flush ? kTopBit : 0), &records_);
    put32(goodbye_ ? 0 : legacy_ ? kLegacyLifetime : lifetime, &records_);
    put16(static_cast<unsigned>(data.size()), &records_);
    records_ += data;
    ++count_;
  }

 private:
  bool legacy_;
  bool goodbye_;
  unsigned count_;
  std::string records_;
};

std::string serverData(const DnsService& service) {
  std::string data;
  put16(0, &data);  // priority
  put16(0, &data);  // weight
  put16(service.port, &data);
  return data + hostName(service);
}

std::string textData(const DnsService& service) {
  std::string data;
  for (const std::string& text : service.texts) {
    data += static_cast<char>(text.size());
    data += text;
  }
  return data.empty() ? std::string(1, '\0') : data;
}

void putRecords(unsigned records, const DnsService& service, Writer* writer) {
  if ((records & kTypes) != 0) {
    writer->put(typesName(), kTypePtr, kLifetime, true, typeName(service));
  }
  if ((records & kPointer) != 0) {
    writer->put(typeName(service), kTypePtr, kLifetime, true, instanceName(service));
  }
  if ((records & kServer) != 0) {
    writer->put(instanceName(service), kTypeSrv, kHostLifetime, false, serverData(service));
  }
  if ((records & kTexts) != 0) {
    writer->put(instanceName(service), kTypeTxt, kLifetime, false, textData(service));
  }
  if ((records & kAddress) != 0) {
    const char* const address = reinterpret_cast<const char*>(&service.address);
    writer->put(hostName(service), kTypeA, kHostLifetime, false, std::string(address, 4));
  }
}

}  // namespace

DnsReply readDnsQuery(Bytes message, uint16_t fromPort, const DnsService& service) {
  DnsReader reader(message);
  DnsReply reply;
  reply.id = reader.take16();
  const uint16_t flags = reader.take16();
  const unsigned questions = reader.take16();
  const unsigned known = reader.take16();
  reader.skip(kHeaderSize - reader.at());
  if (!reader.good() || (flags & 0xf800) != 0) {  // a response, or another operation
    return DnsReply();
  }
  bool multicast = false;
  for (unsigned i = 0; i < questions && i < kMaxEntries; ++i) {
    const std::string name = reader.takeName();
    const uint16_t type = reader.take16();
    const uint16_t classBits = reader.take16();
    if (!reader.good()) {
      return DnsReply();
    }
    const uint16_t kind = classBits & static_cast<uint16_t>(~kTopBit);
    const unsigned records =
        kind == kClassInternet || kind == kClassAny ? recordsFor(name, type, service) : 0;
    reply.answers |= records;
    multicast = multicast || (records != 0 && (classBits & kTopBit) == 0);
    if (records != 0 && reply.question.empty()) {
      reply.question = name;
      put16(type, &reply.question);
      put16(kind, &reply.question);
    }
  }
  for (unsigned i = 0; i < known && i < kMaxEntries && questions <= kMaxEntries; ++i) {
    const unsigned records = takeKnownAnswer(&reader, service);
    if (!reader.good()) {
      return DnsReply();
    }
    reply.answers &= ~records;
  }
  if (reply.answers == 0) {
    return DnsReply();
  }
  const unsigned next[][2] = {{kPointer, kServer | kTexts | kAddress}, {kServer, kAddress}};
  for (const unsigned* each : next) {
    reply.additionals |= (reply.answers & each[0]) != 0 ? each[1] : 0;
  }
  reply.additionals &= ~reply.answers;
  reply.legacy = fromPort != kDnsPort;
  reply.unicast = reply.legacy || !multicast;
  return reply;
}

std::string writeDnsReply(const DnsReply& reply, const DnsService& service, bool goodbye) {
  Writer answers(reply, goodbye);
  Writer additionals(reply, goodbye);
  putRecords(reply.answers, service, &answers);
  putRecords(reply.additionals, service, &additionals);
  std::string message;
  put16(reply.legacy ? reply.id : 0, &message);
  put16(0x8400, &message);  // an authoritative response
  put16(reply.legacy ? 1 : 0, &message);
  put16(answers.count(), &message);
  put16(0, &message);
  put16(additionals.count(), &message);
  if (reply.legacy) {
    message += reply.question;
  }
  return message + answers.records() + additionals.records();
}

}  // namespace posix
}  // namespace secureota

#endif
