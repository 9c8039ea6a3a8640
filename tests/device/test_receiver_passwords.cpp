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
  (void)desk.after(secureota::kFirstWait);
  const std::string next = nonceOf(desk.ask(redWaxInvitation(container)));
  CHECK(next != nonce);
  CHECK(desk.ask(respond("secret", next)) == "OK");
}

const char kWait[] = "TooManyAttempts: ";

bool mustWait(Desk* desk, const Endpoint& from = kOwner) {
  return desk->ask(redWaxInvitation(containerOf(kTokenB2, image('B'))), from)
             .compare(0, sizeof kWait - 1, kWait) == 0;
}

void failOnce(Desk* desk, const Endpoint& from = kOwner) {
  const std::string invitation = redWaxInvitation(containerOf(kTokenB2, image('B')));
  const std::string nonce = nonceOf(desk->ask(invitation, from));
  CHECK(desk->ask(respond("wrong", nonce), from).compare(0, 14, "NotAuthorized:") == 0);
}

void whoFailsWaits() {
  GuardedDesk desk;
  for (const uint32_t wait : {1000U, 2000U, 4000U, 8000U, 8000U}) {
    failOnce(&desk);
    CHECK(mustWait(&desk));
    CHECK_ERROR(desk.device.listener.lastError, Error::NotAuthorized);  // not told twice
    (void)desk.after(wait - 1);
    CHECK(mustWait(&desk) && mustWait(&desk, endpoint(1, 5001)));  // from whatever port
    (void)desk.after(1);
  }
  const std::string nonce = nonceOf(desk.ask(redWaxInvitation(containerOf(kTokenB2, image('B')))));
  CHECK(desk.ask(respond("secret", nonce)) == "OK");
  (void)desk.after(secureota::kConnectTimeout);  // nobody listens: it is over
  failOnce(&desk);                               // the right one has cleared the past
  (void)desk.after(1000);
  CHECK(!mustWait(&desk));
}

void nobodyElseWaits() {
  GuardedDesk desk;
  for (uint8_t other = 10; other < 40; ++other) {  // more than are remembered
    failOnce(&desk, endpoint(other, 5000));
    CHECK(mustWait(&desk, endpoint(other, 5000)));
  }
  const std::string nonce = nonceOf(desk.ask(redWaxInvitation(containerOf(kTokenB2, image('B')))));
  CHECK(mustWait(&desk, endpoint(39, 5000)) == false);  // Busy comes first: the owner is at it
  CHECK(desk.ask(respond("secret", nonce)) == "OK");
}

void whatCantBeAnAnswerIsNoTry() {
  GuardedDesk desk;
  const std::string invitation = redWaxInvitation(containerOf(kTokenB2, image('B')));
  const std::string nonce = nonceOf(desk.ask(invitation));
  const std::string good = respond("secret", nonce);
  for (size_t size = 4; size < good.size(); ++size) {
    CHECK(desk.ask(good.substr(0, size)).compare(0, 3, "Not") == 0);
  }
  CHECK(desk.ask(good.substr(0, 69) + std::string(64, 'x') + "\n").compare(0, 3, "Not") == 0);
  CHECK(desk.ask("200 " + std::string(32, 'a') + " " + std::string(32, 'a') + "\n")
            .compare(0, 3, "Not") == 0);  // the other form's
  CHECK_ERROR(desk.device.listener.lastError, Error::None);
  CHECK(desk.ask(good) == "OK");
}

void withoutAPasswordNobodyWaits() {
  GuardedDesk desk;
  failOnce(&desk);
  CHECK_ERROR(desk.password.set(""), Error::None);
  CHECK(desk.ask(redWaxInvitation(containerOf(kTokenB2, image('B')))) == "OK");
}

void clockThatWrapsAroundBeginsNoWaitAnew() {
  GuardedDesk desk;
  failOnce(&desk);
  (void)desk.after(secureota::kFirstWait);
  (void)desk.after(UINT32_MAX - secureota::kFirstWait + 1);  // 49.7 days later to the millisecond
  CHECK(!mustWait(&desk));
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
  whoFailsWaits();
  nobodyElseWaits();
  whatCantBeAnAnswerIsNoTry();
  withoutAPasswordNobodyWaits();
  clockThatWrapsAroundBeginsNoWaitAnew();
  nonceIsBoundToItsSource();
  nonceDies();
  strangerWhoNeverAnswersKeepsNobodyOut();
  repeatedInvitationGetsTheSameNonce();
  md5FormForStockHostsOnlyIfAllowed();
  return secureota_test::report();
}
