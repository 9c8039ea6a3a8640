// Passwords, from the challenge to what a wrong one costs. The forms themselves: test_auth.cpp.
#include "desk.h"

using namespace desk;

namespace {

void passwordIsAskedFor() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  GuardedDesk desk;
  const Actions challenge = desk.datagram(stockInvitation(container));
  CHECK(!challenge.connect);
  const std::string nonce = nonceOf(text(challenge.datagram));
  CHECK(nonce.size() == 64);
  const Actions accepted = desk.datagram(respond("secret", nonce));
  CHECK(text(accepted.datagram) == "OK" && accepted.connect);
  CHECK(accepted.connectTo.port == 45123);
  CHECK(desk.ask(respond("secret", nonce)) == "OK");  // our OK was lost
  (void)desk.receiver.onConnected(desk.now);
  CHECK(text(desk.send(container).stream) == std::to_string(container.size()) + "OK");
}

void wrongPassword() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  GuardedDesk desk;
  const std::string nonce = nonceOf(desk.ask(redWaxInvitation(container)));
  CHECK(desk.ask(respond("wrong", nonce)) == "NotAuthorized: the password is wrong");
  CHECK_ERROR(desk.device.listener.lastError, Error::NotAuthorized);
  // the nonce has served
  CHECK(desk.ask(respond("secret", nonce)).compare(0, 14, "NotAuthorized:") == 0);
  const std::string next = nonceOf(desk.ask(redWaxInvitation(container)));
  CHECK(next != nonce);
  CHECK(desk.ask(respond("secret", next)) == "OK");
}

void nonceIsBoundToItsSource() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  GuardedDesk desk;
  const std::string nonce = nonceOf(desk.ask(stockInvitation(container)));
  const Endpoint otherPort = endpoint(1, 5001);
  for (const Endpoint& other : {kStranger, otherPort}) {
    CHECK(desk.ask(respond("secret", nonce), other).compare(0, 14, "NotAuthorized:") == 0);
  }
  CHECK_ERROR(desk.device.listener.lastError, Error::None);  // noise is not reported
  CHECK(desk.ask(respond("secret", nonce)) == "OK");         // and did no harm
}

void nonceDies() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  GuardedDesk desk;
  const std::string nonce = nonceOf(desk.ask(stockInvitation(container)));
  (void)desk.after(secureota::kNonceLifetime);
  CHECK(desk.ask(respond("secret", nonce)).compare(0, 14, "NotAuthorized:") == 0);
}

void strangerWhoNeverAnswersKeepsNobodyOut() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  GuardedDesk desk;
  (void)nonceOf(desk.ask(redWaxInvitation(container), kStranger));
  CHECK(desk.ask(stockInvitation(container)).compare(0, 6, "Busy: ") == 0);
  (void)desk.after(secureota::kNonceHold);
  const std::string nonce = nonceOf(desk.ask(stockInvitation(container)));
  CHECK(desk.ask(respond("secret", nonce)) == "OK");
}

void repeatedInvitationGetsTheSameNonce() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  GuardedDesk desk;
  const std::string first = desk.ask(stockInvitation(container));
  CHECK(desk.ask(stockInvitation(container)) == first);
  CHECK(desk.ask(redWaxInvitation(container)) != first);  // the owner asked for something else
}

void md5FormForStockHostsOnlyIfAllowed() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  GuardedDesk desk;
  desk.password.allowMd5(true);
  const std::string nonce = nonceOf(desk.ask(stockInvitation(container)));
  CHECK(nonce.size() == 32);
  const std::string cnonce(32, 'c');
  const std::string hash = digestHex(secureota::DigestAlgorithm::Md5, bytesOf("secret"));
  const std::string proof = hash + ":" + nonce + ":" + cnonce;
  CHECK(desk.ask("200 " + cnonce + " " +
                 digestHex(secureota::DigestAlgorithm::Md5, bytesOf(proof)) + "\n") == "OK");

  GuardedDesk other;
  other.password.allowMd5(true);
  CHECK(nonceOf(other.ask(redWaxInvitation(container))).size() == 64);
}

}  // namespace

int main() {
  passwordIsAskedFor();
  wrongPassword();
  nonceIsBoundToItsSource();
  nonceDies();
  strangerWhoNeverAnswersKeepsNobodyOut();
  repeatedInvitationGetsTheSameNonce();
  md5FormForStockHostsOnlyIfAllowed();
  return secureota_test::report();
}
