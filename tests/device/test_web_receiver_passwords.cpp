// The upload page's password: who may answer which nonce, and what a wrong answer costs.
#include "web_visit.h"

using namespace web_visit;

namespace {

const char kPassword[] = "correct horse";

class GuardedSite : public Site {
 public:
  GuardedSite() { CHECK_ERROR(password.set(kPassword), Error::None); }

  std::string nonce(const Endpoint& from = desk::kOwner) {
    const Answer answer = get("/challenge", from);
    CHECK(answer.status == 200 && answer.body.size() == secureota::kLongNonceSize);
    return answer.body;
  }

  Answer uploadWith(const std::string& proof, const Endpoint& from = desk::kOwner) {
    const Buffer good = pretend::containerOf(kTokenB2, pretend::image('B'));
    return upload(good, {{"X-SecureOTA-Password", proof}}, from);
  }

  bool refuses(const std::string& proof, const Endpoint& from = desk::kOwner) {
    device.journal.lines.clear();
    const Answer answer = uploadWith(proof, from);
    return answer.status == 403 && answer.body == line(Error::NotAuthorized) &&
           !device.journal.has("open");
  }
};

// What a page says that knows the password: the form of a datagram, without its end.
std::string prove(const std::string& password, const std::string& nonce) {
  const std::string datagram = desk::respond(password, nonce);
  return datagram.substr(0, datagram.size() - 1);
}

void rightOne() {
  GuardedSite site;
  CHECK(site.get("/").status == 200);  // the page itself asks for it
  const std::string nonce = site.nonce();
  CHECK(site.uploadWith(prove(kPassword, nonce)).status == 200);
  CHECK(site.uploadWith(prove(kPassword, nonce)).status == 403);  // it has served
  CHECK(site.nonce() != nonce);
}

void wrongOnes() {
  GuardedSite site;
  CHECK(site.refuses("-"));
  CHECK(site.refuses(prove(kPassword, std::string(64, 'a'))));  // nobody was asked
  CHECK(site.refuses(prove("wrong", site.nonce())));
  const Answer next = site.get("/challenge");
  CHECK(next.status == 429 && next.body == line(Error::TooManyAttempts));
  CHECK(site.uploadWith("-").status == 429);
  CHECK(site.nonce(desk::kStranger).size() == 64);  // others never wait for it
  site.after(secureota::kFirstWait);
  CHECK(site.uploadWith(prove(kPassword, site.nonce())).status == 200);
}

// No computation is done for them, and the nonce stays open.
void whatIsNoAnswer() {
  const std::string digits(64, '0');
  const std::string kNone[] = {"",
                               "200",
                               "200 " + digits,
                               "200 " + digits + " " + digits + "0",
                               "200 " + digits + " " + digits.substr(1),
                               "200 " + digits.substr(32) + " " + digits.substr(32),
                               "201 " + digits + " " + digits,
                               "200 " + digits + " " + digits.substr(1) + "g",
                               "200\t" + digits + " " + digits};
  GuardedSite site;
  const std::string nonce = site.nonce();
  for (const std::string& none : kNone) {
    CHECK(site.refuses(none));
  }
  CHECK(site.uploadWith(prove(kPassword, nonce)).status == 200);
}

void aNonceServesWhoAskedForIt() {
  GuardedSite site;
  const std::string nonce = site.nonce();
  CHECK(site.refuses(prove(kPassword, nonce), desk::kStranger));
  const Answer busy = site.get("/challenge", desk::kStranger);
  CHECK(busy.status == 503 && busy.body == line(Error::Busy));
  CHECK(site.uploadWith(prove(kPassword, nonce), desk::endpoint(1, 5001)).status == 200);
  // After a moment somebody else may ask.
  const std::string left = site.nonce();
  site.after(secureota::kNonceHold);
  const std::string theirs = site.nonce(desk::kStranger);
  CHECK(site.refuses(prove(kPassword, left)));
  CHECK(site.uploadWith(prove(kPassword, theirs), desk::kStranger).status == 200);
}

void aNonceDoesNotLastForEver() {
  GuardedSite site;
  const std::string nonce = site.nonce();
  site.after(secureota::kNonceLifetime);
  CHECK(site.uploadWith(prove(kPassword, nonce)).status == 403);
}

void originComesFirst() {
  GuardedSite site;
  const std::string proof = prove(kPassword, site.nonce());
  const Buffer good = pretend::containerOf(kTokenB2, pretend::image('B'));
  const Fields fields = {{"Origin", "http://evil.example"}, {"X-SecureOTA-Password", proof}};
  CHECK(site.upload(good, fields).body == line(Error::WrongOrigin));
  CHECK(site.uploadWith(proof).status == 200);  // and it has not served
}

}  // namespace

int main() {
  rightOne();
  wrongOnes();
  whatIsNoAnswer();
  aNonceServesWhoAskedForIt();
  aNonceDoesNotLastForEver();
  originComesFirst();
  return secureota_test::report();
}
