// Multicast DNS without a network: what is answered, what is not, and that nothing which somebody
// sends can lead the reader astray.
#include "secureota/port/posix/dns_message.h"

#include <string.h>

#include "check.h"

using secureota::Bytes;
using namespace secureota::posix;

namespace {

const uint16_t kMulticastPort = 5353;
const uint16_t kA = 1, kPtr = 12, kTxt = 16, kAaaa = 28, kSrv = 33, kAny = 255;
const unsigned kUnicastWelcome = 0x8000;

DnsService lamp() {
  DnsService service;
  service.instance = "Kitchen-Lamp";
  service.type = "_arduino._tcp";
  service.port = 3232;
  const uint8_t address[] = {192, 0, 2, 7};
  memcpy(&service.address, address, 4);
  service.texts = {"secure=yes", "version=1.4.2"};
  return service;
}

std::string number16(unsigned number) {
  return std::string({static_cast<char>(number >> 8), static_cast<char>(number)});
}

// "a.b" as it stands in a message.
std::string name(const std::string& labels) {
  std::string result;
  size_t start = 0;
  for (size_t dot = labels.find('.'); dot != std::string::npos; dot = labels.find('.', start)) {
    result += static_cast<char>(dot - start) + labels.substr(start, dot - start);
    start = dot + 1;
  }
  result += static_cast<char>(labels.size() - start) + labels.substr(start);
  return result + '\0';
}

std::string question(const std::string& encodedName, unsigned type, unsigned classBits = 1) {
  return encodedName + number16(type) + number16(classBits);
}

std::string message(const std::string& questions, unsigned count, const std::string& known = "",
                    unsigned knownCount = 0, unsigned flags = 0) {
  return number16(77) + number16(flags) + number16(count) + number16(knownCount) + number16(0) +
         number16(0) + questions + known;
}

DnsReply read(const std::string& query, uint16_t from = kMulticastPort) {
  return readDnsQuery(Bytes(reinterpret_cast<const uint8_t*>(query.data()), query.size()), from,
                      lamp());
}

unsigned answers(const std::string& labels, unsigned type) {
  return read(message(question(name(labels), type), 1)).answers;
}

const char kType[] = "_arduino._tcp.local";
const char kInstance[] = "kitchen-lamp._Arduino._TCP.Local";  // upper and lower case are the same
const char kHost[] = "KITCHEN-LAMP.local";

void whatIsAskedFor() {
  CHECK(answers(kType, kPtr) == kPointer && answers(kType, kAny) == kPointer);
  CHECK(answers(kInstance, kSrv) == kServer && answers(kInstance, kTxt) == kTexts);
  CHECK(answers(kInstance, kAny) == (kServer | kTexts));
  CHECK(answers(kHost, kA) == kAddress && answers(kHost, kAny) == kAddress);
  CHECK(answers("_services._dns-sd._udp.local", kPtr) == kTypes);

  CHECK(answers(kType, kA) == 0 && answers(kInstance, kPtr) == 0 && answers(kHost, kAaaa) == 0);
  for (const char* other : {"local", "_http._tcp.local", "bath-lamp.local", "kitchen-lamp",
                            "lamp._arduino._tcp.local", "kitchen-lamp.local.local"}) {
    CHECK(answers(other, kAny) == 0);
  }
  CHECK(read(message(question(name(kHost), kA, 3), 1)).answers == 0);  // not the Internet's class

  const DnsReply both = read(message(question(name(kType), kPtr) + question(name(kHost), kA), 2));
  CHECK(both.answers == (kPointer | kAddress));
  CHECK(both.additionals == (kServer | kTexts));
}

void howItIsAnswered() {
  const std::string asked = question(name(kHost), kA);
  CHECK(!read(message(asked, 1)).unicast);
  CHECK(read(message(question(name(kHost), kA, 1 | kUnicastWelcome), 1)).unicast);
  const DnsReply legacy = read(message(asked, 1), 40000);
  CHECK(legacy.unicast && legacy.legacy && legacy.id == 77);
  const std::string reply = writeDnsReply(legacy, lamp(), false);
  CHECK(reply.compare(0, 2, number16(77)) == 0);
  CHECK(reply.compare(4, 4, number16(1) + number16(1)) == 0);  // its question, and our answer
}

void answersByteForByte() {
  const DnsReply reply = read(message(question(name(kHost), kA), 1));
  const char address[] = {static_cast<char>(192), 0, 2, 7};
  CHECK(writeDnsReply(reply, lamp(), false) ==
        number16(0) + number16(0x8400) + number16(0) + number16(1) + number16(0) + number16(0) +
            name("Kitchen-Lamp.local") + number16(kA) + number16(0x8001) + number16(0) +
            number16(120) + number16(4) + std::string(address, 4));

  const DnsReply texts = read(message(question(name(kInstance), kTxt), 1));
  const std::string goodbye = writeDnsReply(texts, lamp(), true);
  const std::string data = std::string("\x0a") + "secure=yes" + "\x0d" + "version=1.4.2";
  CHECK(goodbye == number16(0) + number16(0x8400) + number16(0) + number16(1) + number16(0) +
                       number16(0) + name("Kitchen-Lamp._arduino._tcp.local") + number16(kTxt) +
                       number16(0x8001) + number16(0) + number16(0) +  // lives no longer
                       number16(static_cast<unsigned>(data.size())) + data);
}

std::string knownPointer(unsigned lifetime, const std::string& target) {
  return name(kType) + number16(kPtr) + number16(1) + number16(0) + number16(lifetime) +
         number16(static_cast<unsigned>(target.size())) + target;
}

void whatIsKnownIsNotRepeated() {
  const std::string asked = question(name(kType), kPtr);
  const std::string target = name(kInstance);
  CHECK(read(message(asked, 1, knownPointer(4500, target), 1)).answers == 0);
  CHECK(read(message(asked, 1, knownPointer(2000, target), 1)).answers == kPointer);  // soon over
  CHECK(read(message(asked, 1, knownPointer(4500, name("x._arduino._tcp.local")), 1)).answers ==
        kPointer);
  // A name that goes on in the question: "kitchen-lamp", then a pointer to byte 12.
  const std::string shortened = "\x0ckitchen-lamp\xc0\x0c";
  CHECK(read(message(asked, 1, knownPointer(4500, shortened), 1)).answers == 0);
}

void whatIsNoQuestion() {
  const std::string asked = question(name(kHost), kA);
  CHECK(read(message(asked, 1, "", 0, 0x8400)).answers == 0);  // a response
  CHECK(read(message(asked, 1, "", 0, 0x2800)).answers == 0);  // an update
  CHECK(read(message(asked, 0)).answers == 0);
  CHECK(read(message(asked, 2)).answers == 0);  // says two, has one
  for (size_t size = 0; size < message(asked, 1).size(); ++size) {
    CHECK(read(message(asked, 1).substr(0, size)).answers == 0);
  }
  const std::string kBadNames[] = {
      "\xc0\x0c",                          // itself
      std::string("\xc0\x0e\xc0\x0c", 4),  // forwards
      "\xc0\xff",                          // outside
      "\x40" + std::string(64, 'a') + '\0',
      std::string(255, '\1'),
      std::string("\x80\0", 2),
      "",
  };
  for (const std::string& bad : kBadNames) {
    CHECK(read(message(question(bad, kA) + asked, 2)).answers == 0);
  }
  // Forwards, to what would be a good name: the second question's.
  CHECK(read(message(question("\xc0\x12", kA) + asked, 2)).answers == 0);
  std::string tooLong;
  for (int i = 0; i < 5; ++i) {
    tooLong += "\x3f" + std::string(63, 'a');
  }
  CHECK(read(message(question(tooLong + '\0', kA) + asked, 2)).answers == 0);
}

// Small changes of good messages, always the same ones. What is wrong here, the sanitizers say.
void whateverComes() {
  const std::string asked = question(name(kType), kPtr) +
                            question(std::string("\x0ckitchen-lamp\xc0\x0c"), kAny) +
                            question(name(kHost), kA, 1 | kUnicastWelcome);
  const std::string good = message(asked, 3, knownPointer(4500, "\x0ckitchen-lamp\xc0\x0c"), 1);
  CHECK(read(good).answers == (kServer | kTexts | kAddress));
  uint32_t random = 1;
  const auto next = [&random](size_t below) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
  };
  unsigned answered = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string changed = good;
    for (size_t changes = 1 + next(4); changes != 0; --changes) {
      const size_t at = next(changed.size());
      switch (next(3)) {
        case 0:
          changed[at] = static_cast<char>(next(256));
          break;
        case 1:
          changed[at] = static_cast<char>(0xc0);
          break;
        default:
          changed.erase(at, next(8));
          break;
      }
      changed += 'x';  // never empty
    }
    const DnsReply reply = read(changed, static_cast<uint16_t>(next(2) == 0 ? 5353 : 1024));
    const bool bounded = writeDnsReply(reply, lamp(), false).size() <= kMaxDnsMessage;
    answered += reply.answers != 0 ? 1 : 0;
    if (!bounded) {
      CHECK(bounded);
    }
  }
  CHECK(answered > 1000 && answered < 199000);
}

}  // namespace

int main() {
  whatIsAskedFor();
  howItIsAnswered();
  answersByteForByte();
  whatIsKnownIsNotRepeated();
  whatIsNoQuestion();
  whateverComes();
  return secureota_test::report();
}
