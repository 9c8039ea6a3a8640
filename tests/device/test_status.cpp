// The answer to "what do you run?", against one that Python's hashlib and hmac computed.
#include "desk.h"

using namespace desk;

namespace {

const char kImage[] = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d";
const char kSalt[] = "000102030405060708090a0b0c0d0e0f";  // what desk::Counter makes first
const char kHmac[] = "51e7eaacf5580cea80419b5d848c83d29b1fcdf2e9b7eb47bb7c9edf752d92ab";

// The same where the device knows only the MD5 of "secret".
const char kMd5[] = "5ebe2294ecd0e0f08eab7690d2a6ee69";
const char kHmacFromMd5[] = "17ea99046078915d23f354550ec65ea43d710b87fdc7e365bc44b85edf6f60b8";

const std::string kNonce(32, '5');

const std::string kUnsigned = std::string("STATUS image=") + kImage +
                              " state=confirmed floor=2025-01-31T23:59:59Z product=lamp "
                              "version=1.2.3 last=NotTrusted";

std::string question(const std::string& nonce = kNonce, size_t size = 448) {
  const std::string start = "RedWax/1.00 cmd=300 nonce=" + nonce + " pad=";
  return start + std::string(size - start.size() - 1, 'x') + "\n";
}

class StatusDesk : public Desk {
 public:
  StatusDesk() {
    CHECK(secureota::parseHex(secureota::asBytes(kImage), digest_, sizeof digest_));
    facts.known.image = digest_;
    facts.known.floor = 1738367999LL * secureota::kSecond;
    facts.known.product = secureota::asBytes("lamp");
    facts.known.version = secureota::asBytes("1.2.3");
    facts.known.last = Error::NotTrusted;
  }

 private:
  uint8_t digest_[secureota::kSha256Size];
};

bool endsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string authenticated(const char* hmac) {
  return kUnsigned + " salt=" + kSalt + " hmac=" + hmac;
}

void everythingThatIsKnown() {
  StatusDesk desk;
  CHECK(desk.ask(question()) == kUnsigned);
  desk.facts.known.pending = true;
  CHECK(desk.ask(question()).find(" state=pending floor=") != std::string::npos);
  CHECK(!desk.receiver.busy());
}

void nothingIsKnown() {
  Desk desk;
  CHECK(desk.ask(question()) == "STATUS image=- state=confirmed floor=-");
}

void authenticatedByThePassword() {
  StatusDesk desk;
  CHECK_ERROR(desk.password.set("secret"), Error::None);
  CHECK(desk.ask(question()) == authenticated(kHmac));
  CHECK(desk.ask(question(kNonce, 512)) == authenticated(kHmac));  // the padding is no part of it
  const std::string other = desk.ask(question(std::string(32, '6')));
  CHECK(other.find(std::string(" salt=") + kSalt + " hmac=") != std::string::npos);
  CHECK(!endsWith(other, kHmac));

  CHECK_ERROR(desk.password.setHash(kMd5), Error::None);  // another password, the same salt
  CHECK(desk.ask(question()) == authenticated(kHmacFromMd5));

  desk.password.refuseAll();  // one that nobody has: nobody vouches
  CHECK(desk.ask(question()) == kUnsigned);
}

void atAnyTimeAndNothingElseChanges() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  StatusDesk desk;
  const std::string invitation = redWaxInvitation(container, " direct=1");
  const std::string offer = desk.ask(invitation);
  CHECK(desk.ask(question(), kStranger) == kUnsigned);
  CHECK(desk.ask(invitation) == offer);  // still repeated

  StatusDesk busy;
  busy.invite(container);
  const size_t half = container.size() / 2;
  (void)busy.receiver.onStream(Bytes(container.data(), half), busy.now);
  const Actions actions = busy.datagram(question(), kStranger);
  CHECK(text(actions.datagram) == kUnsigned && actions.datagramTo == kStranger);
  CHECK(actions.stream.empty() && !actions.close && !actions.closeFirst);
  const Actions done =
      busy.receiver.onStream(Bytes(container.data() + half, container.size() - half), busy.now);
  CHECK(endsWith(text(done.stream), "OK"));

  GuardedDesk guarded;
  const std::string nonce = nonceOf(guarded.ask(invitation));
  CHECK(guarded.ask(question()).compare(0, 7, "STATUS ") == 0);
  CHECK(guarded.ask(respond("secret", nonce)).compare(0, 8, "OK port=") == 0);
}

void whatIsNoQuestion() {
  StatusDesk desk;
  for (size_t size = 64; size < 448; size += 16) {
    const std::string answer = desk.ask(question(kNonce, size));
    CHECK(answer.compare(0, 15, "BadInvitation: ") == 0 && answer.size() <= size);
  }
  const std::string kBad[] = {
      question(std::string(31, '5')),
      question(std::string(33, '5')),
      question(std::string(32, 'g')),
      question(kNonce + " nonce=" + kNonce),
      question(kNonce + " cmd=300"),
      question(kNonce, 513),
      "RedWax/1.00 cmd=300 pad=" + std::string(430, 'x') + "\n",
      "RedWax/1.00 cmd=0300 nonce=" + kNonce + " pad=" + std::string(400, 'x') + "\n",
      question().substr(0, 447),
      "300 " + std::string(450, '1') + "\n",
  };
  for (const std::string& bad : kBad) {
    if (!CHECK(desk.ask(bad).compare(0, 15, "BadInvitation: ") == 0)) {
      printf("    %s", bad.c_str());
    }
  }
}

void theLongestAnswerIsShorterThanTheQuestion() {
  StatusDesk desk;
  const std::string product(32, 'p');
  const std::string version(48, 'v');
  desk.facts.known.product = bytesOf(product);
  desk.facts.known.version = bytesOf(version);
  CHECK_ERROR(desk.password.set("secret"), Error::None);
  size_t longest = 0;
  for (int error = 0; error <= static_cast<int>(Error::OutOfMemory); ++error) {
    desk.facts.known.last = static_cast<Error>(error);
    const std::string answer = desk.ask(question());
    const size_t hmacSize = 6 + 64;
    CHECK(answer.size() > hmacSize &&
          answer.compare(answer.size() - hmacSize, 6, " hmac=") == 0);  // nothing was cut
    longest = answer.size() > longest ? answer.size() : longest;
  }
  CHECK(longest <= secureota::kMaxStatusSize && longest > 340);
}

// RFC 4231, test cases 2 and 6: a short key, and one that is longer than a block.
void hmac() {
  const std::string key(131, '\xaa');
  const struct {
    Bytes key;
    const char* message;
    const char* expected;
  } kCases[] = {
      {secureota::asBytes("Jefe"), "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {bytesOf(key), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
  };
  for (const auto& each : kCases) {
    uint8_t result[secureota::kSha256Size];
    CHECK_ERROR(secureota::hmacSha256(each.key, secureota::asBytes(each.message), result),
                Error::None);
    CHECK(hex(Bytes(result, sizeof result)) == each.expected);
  }
}

}  // namespace

int main() {
  everythingThatIsKnown();
  nothingIsKnown();
  authenticatedByThePassword();
  atAnyTimeAndNothingElseChanges();
  whatIsNoQuestion();
  theLongestAnswerIsShorterThanTheQuestion();
  hmac();
  return secureota_test::report();
}
