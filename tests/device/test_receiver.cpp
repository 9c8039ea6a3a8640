// The protocol engine, without a socket or a clock: every answer, every time-out, every refusal.
#include "desk.h"

using namespace desk;

namespace {

void anUpdateFromInvitationToRestart() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  for (const std::string& invitation : {stockInvitation(container), redWaxInvitation(container)}) {
    Desk desk;
    Actions actions = desk.datagram(invitation);
    CHECK(text(actions.datagram) == "OK" && actions.datagramTo == kOwner);
    CHECK(actions.connect && actions.connectTo.sameAddress(kOwner));
    CHECK(actions.connectTo.port == 45123);
    actions = desk.receiver.onConnected(desk.now);
    CHECK(actions.stream.empty() && !actions.close);

    std::string said;
    for (size_t at = 0; at < container.size(); at += 1000) {
      CHECK(said.find("OK") == std::string::npos);
      const size_t size = container.size() - at < 1000 ? container.size() - at : 1000;
      actions = desk.receiver.onStream(Bytes(container.data() + at, size), desk.now);
      said += text(actions.stream) + ",";
      CHECK(actions.endStream == (at + size == container.size()));
      CHECK(!actions.close && !actions.restart);
    }
    CHECK(said == "1000,1000,1000,1000,1000," + std::to_string(container.size() - 5000) + "OK,");
    CHECK(desk.device.flash.bootable);  // before the OK went out

    CHECK(desk.ask(stockInvitation(container), kStranger).compare(0, 6, "Busy: ") == 0);
    actions = desk.receiver.onStreamClosed();
    CHECK(actions.close && actions.restart);
    CHECK(!desk.receiver.busy());
  }
}

void restartsAlsoIfThePeerStays() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  desk.invite(container);
  (void)desk.send(container);
  CHECK(!desk.after(secureota::kDrainTimeout - 1).restart);
  const Actions actions = desk.after(1);
  CHECK(actions.close && actions.restart);
}

void replayIsAnsweredAndNothingRestarts() {
  const Buffer container = containerOf(kTokenA1, image('A'));
  Desk desk;
  desk.invite(container);
  const Actions actions = desk.send(container);
  CHECK(text(actions.stream) == std::to_string(container.size()) + "OK");
  CHECK(!desk.receiver.onStreamClosed().restart);
  CHECK(desk.device.journal.story() == "alreadyRunning");
}

void refusalsSayWhyAndWaitForThePeer() {
  Buffer flipped = containerOf(kTokenB2, image('B'));
  flipped.back() ^= 1;
  const struct {
    Buffer data;
    Error error;
    const char* story;
  } kCases[] = {
      {image('B'), Error::NotSigned, "abort refused"},
      {containerOf(kTokenBStranger, image('B')), Error::NotTrusted, "abort refused"},
      {containerOf(kTokenB1, image('B')), Error::OlderThanFloor, "abort refused"},
      {flipped, Error::ImageMismatch, "start open write abort refused"},
  };
  for (const auto& each : kCases) {
    Desk desk;
    desk.invite(each.data);
    Actions actions = desk.send(each.data);
    const std::string times = " (signed 2025-01-01T01:00:00Z, must be after 2025-01-01T01:00:00Z)";
    const std::string line = std::string(secureota::errorName(each.error)) + ": " +
                             secureota::errorSentence(each.error) +
                             (each.error == Error::OlderThanFloor ? times : "") + "\n";
    CHECK(text(actions.stream) == line);
    CHECK(actions.endStream && !actions.close && !actions.restart);
    CHECK(desk.device.journal.story() == each.story);
    CHECK_ERROR(desk.device.listener.lastError, each.error);

    actions = desk.send(each.data);  // still coming: thrown away, unacknowledged
    CHECK(actions.stream.empty() && !actions.close);
    actions = desk.after(secureota::kDrainTimeout);
    CHECK(actions.close && !actions.restart);
    CHECK(!desk.receiver.busy());
  }
}

void nextInvitationNeedNotWaitForAPeerThatWasRefused() {
  Desk desk;
  desk.invite(image('B'));
  (void)desk.send(image('B'));
  const Actions actions = desk.datagram(stockInvitation(containerOf(kTokenB2, image('B'))));
  CHECK(actions.closeFirst && text(actions.datagram) == "OK" && actions.connect);
}

void damageOnTheWayIsToldFromABadSignature() {
  Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  desk.invite(container);
  container.back() ^= 1;
  CHECK(text(desk.send(container).stream).compare(0, 23, "TransportDigestMismatch") == 0);
  CHECK(!desk.device.flash.bootable && !desk.device.journal.has("activate"));
}

void moreThanWasAnnounced() {
  Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  desk.invite(container);
  container.push_back(0);
  CHECK(text(desk.send(container).stream).compare(0, 12, "TrailingData") == 0);
  CHECK(desk.device.journal.story() == "abort refused");
}

void peerThatLeaves() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  desk.invite(container);
  (void)desk.receiver.onStream(Bytes(container.data(), container.size() - 1), desk.now);
  const Actions actions = desk.receiver.onStreamClosed();
  CHECK(actions.close && text(actions.stream).compare(0, 14, "ConnectionLost") == 0);
  CHECK(desk.device.journal.lines.back() == "refused" && desk.device.journal.has("abort"));
  CHECK(!desk.receiver.busy());
}

void connectionThatFails() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  CHECK(desk.ask(stockInvitation(container)) == "OK");
  (void)desk.receiver.onConnectionFailed();
  CHECK(!desk.receiver.busy());
  CHECK_ERROR(desk.device.listener.lastError, Error::ConnectionLost);

  CHECK(desk.ask(stockInvitation(container)) == "OK");
  CHECK(!desk.after(secureota::kConnectTimeout - 1).close);
  CHECK(desk.after(1).close);
  CHECK(!desk.receiver.busy());
}

void timeOuts() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  {
    Desk desk;  // not a byte
    desk.invite(container);
    CHECK(desk.after(secureota::kDefaultIdleTimeout - 1).stream.empty());
    CHECK(text(desk.after(1).stream).compare(0, 8, "TimedOut") == 0);
  }
  {
    Desk desk;  // a byte a second: not until the token is there
    desk.invite(container);
    uint32_t seconds = 0;
    for (; desk.after(1000).stream.empty() && seconds < 100; ++seconds) {
      (void)desk.receiver.onStream(Bytes(container.data() + seconds, 1), desk.now);
    }
    CHECK(seconds == secureota::kTokenTimeout / 1000 - 1);
    CHECK_ERROR(desk.device.listener.lastError, Error::TimedOut);
  }
  {
    Desk desk;  // the token is good, and then a byte every nine seconds
    desk.invite(container);
    size_t at = container.size() - kImageSize;
    (void)desk.receiver.onStream(Bytes(container.data(), at), desk.now);
    uint32_t elapsed = 0;
    while (desk.after(9000).stream.empty() && elapsed < 2 * secureota::kTransferTimeout) {
      elapsed += 9000;
      (void)desk.receiver.onStream(Bytes(container.data() + at++, 1), desk.now);
    }
    CHECK(elapsed + 9000 >= secureota::kTransferTimeout);
    CHECK(elapsed < secureota::kTransferTimeout);
    CHECK(desk.device.journal.lines.back() == "refused" && !desk.device.flash.bootable);
  }
  {
    Desk desk;  // and a time-out of the sketch's
    desk.receiver.setIdleTimeout(50);
    desk.invite(container);
    CHECK(!desk.after(50).stream.empty());
  }
}

void lostAnswersAreRepeated() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  CHECK(desk.ask(stockInvitation(container)) == "OK");
  const Actions again = desk.datagram(stockInvitation(container));
  CHECK(text(again.datagram) == "OK" && !again.connect);
  (void)desk.receiver.onConnected(desk.now);
  CHECK(desk.ask(stockInvitation(container)) == "OK");
  CHECK(desk.ask(redWaxInvitation(container)).compare(0, 6, "Busy: ") == 0);
  CHECK(desk.ask(stockInvitation(container), kStranger).compare(0, 6, "Busy: ") == 0);
}

void invitationsThatAreRefused() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  CHECK(desk.ask("100" + stockInvitation(container).substr(1)).compare(0, 14, "WrongImageKind") ==
        0);
  const std::string huge = "0 1 4000000000 " + std::string(32, 'a') + "\n";
  CHECK(desk.ask(huge).compare(0, 13, "ImageTooLarge") == 0);
  CHECK(desk.ask("0 x\n") == "BadI");
  CHECK(!desk.receiver.busy());

  const secureota::TrustStore nobody;
  secureota::ReceiverParts parts;
  parts.updater = desk.device.parts();
  parts.updater.anchors = &nobody;
  parts.password = &desk.password;
  parts.random = &desk.random;
  parts.facts = &desk.facts;
  desk.receiver.begin(parts);
  CHECK(desk.ask(stockInvitation(container)).compare(0, 15, "NoTrustAnchor: ") == 0);
}

void noAnswerIsLongerThanTheQuestion() {
  const Buffer container = containerOf(kTokenB2, image('B'));
  Desk desk;
  desk.invite(container);  // now everything is Busy
  for (size_t size = 1; size < 200; ++size) {
    CHECK(desk.ask(std::string(size, '1'), kStranger).size() <= size);
  }
  Desk idle;
  for (size_t size = 1; size < 200; ++size) {
    const std::string answer = idle.ask(std::string(size, '1'));
    CHECK(!answer.empty() && answer.size() <= size);
    CHECK(idle.ask("200 " + std::string(size, '1')).size() <= size + 4);
  }
  CHECK(idle.ask(std::string(2000, '1')).size() < 100);
  for (const char* noise : {"", "x", "OK", "AUTH 00", "Busy: x", "RedWax/2.00 cmd=0\n", "\n"}) {
    CHECK(idle.ask(noise).empty());
  }
}

// The stock host takes any text with "OK" in it for success.
void noRefusalLooksLikeSuccess() {
  for (int error = 1; error <= static_cast<int>(Error::OutOfMemory); ++error) {
    const std::string line = std::string(secureota::errorName(static_cast<Error>(error))) + ": " +
                             secureota::errorSentence(static_cast<Error>(error)) + "\n";
    CHECK(line.find("OK") == std::string::npos);
    CHECK(line.size() < 160);
  }
}

}  // namespace

int main() {
  anUpdateFromInvitationToRestart();
  restartsAlsoIfThePeerStays();
  replayIsAnsweredAndNothingRestarts();
  refusalsSayWhyAndWaitForThePeer();
  nextInvitationNeedNotWaitForAPeerThatWasRefused();
  damageOnTheWayIsToldFromABadSignature();
  moreThanWasAnnounced();
  peerThatLeaves();
  connectionThatFails();
  timeOuts();
  lostAnswersAreRepeated();
  invitationsThatAreRefused();
  noAnswerIsLongerThanTheQuestion();
  noRefusalLooksLikeSuccess();
  return secureota_test::report();
}
