// Direct mode: who may connect, what has to be said first, and how long there is for it.
#include "desk.h"

using namespace desk;

namespace {

const Buffer kContainer = containerOf(kTokenB2, image('B'));
const std::string kInvitation = redWaxInvitation(kContainer, " direct=1");

// Of the same host, from another socket: another invitation.
const Endpoint kOwnerAgain = endpoint(1, 5001);
const Endpoint kOwnerTcp = endpoint(1, 49152);
const Endpoint kStrangerTcp = endpoint(2, 49152);

std::string cookieOf(const std::string& answer) {
  const std::string start = "OK port=3232 cookie=";
  CHECK(answer.compare(0, start.size(), start) == 0 && answer.size() == start.size() + 32);
  return answer.size() > start.size() ? answer.substr(start.size()) : "";
}

class DirectDesk : public Desk {
 public:
  // The owner has connected to us, after the invitation.
  DirectDesk() : cookie(cookieOf(ask(kInvitation))) {}

  Actions accept(const Endpoint& from = kOwnerTcp) { return receiver.onAccepted(from, now); }
  Actions say(const std::string& text) { return receiver.onStream(bytesOf(text), now); }
  void greet() {
    CHECK(!accept().close);
    const Actions actions = say(cookie + "\n");
    CHECK(actions.stopListening && !actions.close && actions.stream.empty());
  }
  // Is the owner still waited for?
  void greetAndSend() {
    greet();
    CHECK(text(send(kContainer).stream) == std::to_string(kContainer.size()) + "OK");
    CHECK(device.flash.bootable);
  }

  std::string cookie;
};

bool isAscii(const std::string& text) {
  return text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void anUpdateFromInvitationToRestart() {
  Desk desk;
  const Actions invited = desk.datagram(kInvitation);
  CHECK(invited.listen && !invited.connect && !invited.closeFirst);
  CHECK(invited.datagramTo == kOwner);
  const std::string cookie = cookieOf(text(invited.datagram));
  CHECK(isAscii(cookie));

  Actions actions = desk.receiver.onAccepted(kOwnerTcp, desk.now);
  CHECK(!actions.close && !actions.stopListening);
  (void)desk.receiver.onConnected(desk.now);  // as a port says of every stream that stands
  const std::string greeting = cookie + "\n";
  actions = desk.receiver.onStream(bytesOf(greeting), desk.now);
  CHECK(actions.stopListening && !actions.close);
  CHECK(actions.stream.empty());  // the greeting is no part of the container

  actions = desk.send(kContainer);
  CHECK(text(actions.stream) == std::to_string(kContainer.size()) + "OK" && actions.endStream);
  actions = desk.receiver.onStreamClosed();
  CHECK(actions.close && actions.restart && !desk.receiver.busy());
}

void greetingInPiecesAndWithTheContainerBehindIt() {
  DirectDesk desk;
  CHECK(!desk.accept().close);
  const std::string greeting = desk.cookie + "\n";
  for (size_t i = 0; i + 1 < greeting.size(); ++i) {
    const Actions actions = desk.say(greeting.substr(i, 1));
    CHECK(actions.stream.empty() && !actions.close && !actions.stopListening);
  }
  Buffer rest(1, '\n');
  rest.insert(rest.end(), kContainer.begin(), kContainer.end());
  const Actions actions = desk.send(rest);
  CHECK(actions.stopListening);
  CHECK(text(actions.stream) == std::to_string(kContainer.size()) + "OK");
}

void greetingThatIsWrong() {
  DirectDesk desk;
  const std::string good = desk.cookie + "\n";
  std::string bad[] = {good,
                       good,
                       desk.cookie + " ",
                       std::string(33, '0'),
                       desk.cookie.substr(1) + "\n\n",
                       std::string(2000, 'x')};
  bad[0][0] = bad[0][0] == '0' ? '1' : '0';
  bad[1][31] = bad[1][31] == '0' ? '1' : '0';
  for (const std::string& each : bad) {
    CHECK(!desk.accept().close);
    const Actions actions = desk.say(each);
    CHECK(actions.close && !actions.stopListening && actions.stream.empty());
  }
  CHECK(desk.device.journal.lines.empty());  // not a byte came as far as the updater
  CHECK_ERROR(desk.device.listener.lastError, Error::None);
  desk.greetAndSend();
}

void greetingThatDoesNotCome() {
  DirectDesk desk;
  (void)desk.accept();
  (void)desk.say(desk.cookie);  // all but the end of the line
  CHECK(!desk.after(secureota::kGreetingTimeout - 1).close);
  Actions actions = desk.after(1);
  CHECK(actions.close && !actions.stopListening);
  (void)desk.accept();
  actions = desk.receiver.onStreamClosed();
  CHECK(actions.close && !actions.stopListening);
  (void)desk.accept();
  CHECK(!desk.say("x").close);  // and what came before does not count
  CHECK(!desk.say(desk.cookie.substr(1)).close);
  CHECK(desk.say("\n").close);
  desk.greetAndSend();
}

void whoeverConnectsFromAnotherAddress() {
  DirectDesk desk;
  CHECK(desk.accept(kStrangerTcp).close);
  CHECK(desk.accept(kStrangerTcp).close);
  CHECK(desk.device.journal.lines.empty());
  desk.greetAndSend();

  Desk idle;  // nobody is waited for
  CHECK(idle.receiver.onAccepted(kOwnerTcp, idle.now).close);
  CHECK(!idle.receiver.busy());
}

void cookieServesOnce() {
  DirectDesk desk;
  desk.greetAndSend();
  CHECK(desk.receiver.onStreamClosed().restart);
  CHECK(desk.accept().close);  // though the port has closed by then
  const std::string next = cookieOf(desk.ask(kInvitation));
  CHECK(next != desk.cookie);
  (void)desk.accept();
  CHECK(desk.say(desk.cookie + "\n").close);
}

void listensForTenSeconds() {
  {
    DirectDesk desk;
    CHECK(!desk.after(secureota::kConnectTimeout - 1).stopListening);
    desk.greetAndSend();
  }
  {
    DirectDesk desk;
    const Actions actions = desk.after(secureota::kConnectTimeout);
    CHECK(actions.stopListening && actions.close && !desk.receiver.busy());
    CHECK_ERROR(desk.device.listener.lastError, Error::ConnectionLost);
  }
  DirectDesk desk;  // those who are dropped don't make it longer
  uint32_t waited = 0;
  while (desk.receiver.busy() && waited < 100000) {
    if (waited % 500 == 0) {
      (void)desk.accept(waited % 1000 == 0 ? kOwnerTcp : kStrangerTcp);
    }
    (void)desk.after(100);
    waited += 100;
  }
  CHECK(waited <= secureota::kConnectTimeout + secureota::kGreetingTimeout);
}

void hostThatAsksAgain() {
  DirectDesk desk;
  const Actions again = desk.datagram(kInvitation);  // the same datagram: our answer was lost
  CHECK(!again.listen && !again.closeFirst);
  CHECK(cookieOf(text(again.datagram)) == desk.cookie);

  CHECK(desk.ask(kInvitation, kStranger).compare(0, 6, "Busy: ") == 0);
  CHECK(desk.ask("0 1\n") == "BadI");

  const Actions other = desk.datagram(kInvitation, kOwnerAgain);  // another one: it replaces ours
  CHECK(other.closeFirst && other.listen && other.datagramTo == kOwnerAgain);
  const std::string cookie = cookieOf(text(other.datagram));
  CHECK(cookie != desk.cookie);
  (void)desk.accept();
  CHECK(desk.say(desk.cookie + "\n").close);
  desk.cookie = cookie;
  desk.greetAndSend();
}

// Inviting costs nothing, so it must not keep the owner out for as long as it stands.
void hostThatDoesNotCome() {
  DirectDesk desk;
  (void)desk.after(secureota::kListenHold - 1);
  CHECK(desk.ask(kInvitation, kStranger).compare(0, 6, "Busy: ") == 0);
  (void)desk.after(1);
  const Actions actions = desk.datagram(kInvitation, kStranger);
  CHECK(actions.closeFirst && actions.listen && actions.datagramTo == kStranger);
  CHECK(cookieOf(text(actions.datagram)) != desk.cookie);

  DirectDesk greeting;  // once somebody is at the door, it is for him to be quick
  (void)greeting.after(secureota::kListenHold - 1);
  (void)greeting.accept();
  (void)greeting.after(1);
  CHECK(greeting.ask(kInvitation, kStranger).compare(0, 6, "Busy: ") == 0);
}

void hostThatCantConnect() {
  for (const bool connected : {false, true}) {
    DirectDesk desk;
    if (connected) {
      (void)desk.accept();
    }
    const Actions actions = desk.datagram(redWaxInvitation(kContainer));
    CHECK(actions.closeFirst && actions.connect && !actions.listen);
    CHECK(text(actions.datagram) == "OK" && actions.connectTo.port == 45123);
    (void)desk.receiver.onConnected(desk.now);
    CHECK(text(desk.send(kContainer).stream) == std::to_string(kContainer.size()) + "OK");
  }
}

void deviceThatGetsNoPort() {
  Desk desk;
  desk.tcpPort = 0;
  const Actions actions = desk.datagram(kInvitation);
  CHECK(text(actions.datagram) == "OK" && actions.connect);
  CHECK(actions.connectTo.sameAddress(kOwner) && actions.connectTo.port == 45123);
  (void)desk.receiver.onConnected(desk.now);
  CHECK(text(desk.send(kContainer).stream) == std::to_string(kContainer.size()) + "OK");
}

void passwordComesFirst() {
  GuardedDesk desk;
  const Actions challenge = desk.datagram(kInvitation);
  CHECK(!challenge.listen);
  CHECK(desk.receiver.onAccepted(kOwnerTcp, desk.now).close);
  const std::string proof = respond("secret", nonceOf(text(challenge.datagram)));
  const std::string cookie = cookieOf(desk.ask(proof));
  // Copies of either datagram that come late are neither a new invitation nor an attempt.
  CHECK(cookieOf(desk.ask(kInvitation)) == cookie);
  CHECK(cookieOf(desk.ask(proof)) == cookie);
  (void)desk.receiver.onAccepted(kOwnerTcp, desk.now);
  (void)desk.receiver.onStream(bytesOf(cookie + "\n"), desk.now);
  CHECK(text(desk.send(kContainer).stream) == std::to_string(kContainer.size()) + "OK");
}

void noAnswerIsLongerThanTheQuestion() {
  const std::string shortest =
      "RedWax/1. cmd=0 port=1 size=1 md=MD5 digest=" + std::string(32, '0') + " direct=1\n";
  Desk desk;
  desk.tcpPort = 65535;
  const std::string answer = desk.ask(shortest);
  CHECK(answer.compare(0, 21, "OK port=65535 cookie=") == 0 && answer.size() <= shortest.size());
}

}  // namespace

int main() {
  anUpdateFromInvitationToRestart();
  greetingInPiecesAndWithTheContainerBehindIt();
  greetingThatIsWrong();
  greetingThatDoesNotCome();
  whoeverConnectsFromAnotherAddress();
  cookieServesOnce();
  listensForTenSeconds();
  hostThatAsksAgain();
  hostThatDoesNotCome();
  hostThatCantConnect();
  deviceThatGetsNoPort();
  passwordComesFirst();
  noAnswerIsLongerThanTheQuestion();
  return secureota_test::report();
}
